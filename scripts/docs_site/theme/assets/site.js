// What the theme leaves out for those who use no mouse or see no screen.
document.querySelector(".md-search")?.setAttribute("aria-label", "Search")
addEventListener("load", () => {
  for (const frame of document.querySelectorAll(".md-typeset__scrollwrap")) {
    frame.tabIndex = 0 // a wide table is scrolled by the keyboard, too
  }
})
