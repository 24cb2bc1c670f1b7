// On a phone the menu covers the page: close it after a tap on one of its links.
if (!window.autodetClosesMenu) {
  window.autodetClosesMenu = true;
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('[data-testid="stSidebar"] a');
    if (!link || window.innerWidth >= 768) return;
    const close = document.querySelector('[data-testid="stSidebarCollapseButton"] button');
    window.setTimeout(() => close?.click(), 50);
  });
}
