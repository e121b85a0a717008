"""Links that lead to one page without a run: a car's key page, the owner's link, fix-it links."""
