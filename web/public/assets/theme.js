// Before the first paint: a chosen theme must not flash the other one. A file, as inline scripts are refused.
try {
  const theme = JSON.parse(localStorage.getItem("sightloop.preferences") || "{}").theme;
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme holds.
}
