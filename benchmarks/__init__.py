"""What the README's figures are made with; run by hand, never timed by a test."""
