// Runs before anything is drawn, so that the chosen theme does not flash.
(function () {
  "use strict";
  try {
    var chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (e) { /* storage may be off; then the system decides */ }
})();
