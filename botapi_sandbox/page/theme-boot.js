// Runs before the first paint, so that a dark theme does not flash white.
(function () {
  var stored = null;
  try {
    stored = localStorage.getItem('sandbox.theme');
  } catch (error) {
    // Storage may be switched off: the system's preference stands.
  }
  var system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  document.documentElement.dataset.theme = stored === 'dark' || stored === 'light' ? stored : system;
})();
