"""One file per page: read the facts in one transaction, render, or act and go back."""
