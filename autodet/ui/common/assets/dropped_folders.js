// A browser names the folders of a chosen file in webkitRelativePath, but not those of a dropped one. Streamlit's
// uploader notes the latter in relativePath, with a slash at the beginning, and sends the former.
{
  const path = Object.getOwnPropertyDescriptor(File.prototype, "webkitRelativePath");
  if (!File.prototype.namesFolders) {
    File.prototype.namesFolders = true;
    Object.defineProperty(File.prototype, "webkitRelativePath", {
      ...path,
      get() {
        const dropped = /^[/](.+[/].+)/.exec(this.relativePath ?? "");
        return path.get.call(this) || (dropped?.[1] ?? "");
      },
    });
  }
}
