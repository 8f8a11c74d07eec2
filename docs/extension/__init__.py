"""What the documentation site has beside Markdown: manual pages, codes of check, option tables."""
