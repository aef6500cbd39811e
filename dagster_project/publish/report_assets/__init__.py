"""Parts of the published report: what is read, what is drawn, how the page is put together."""
