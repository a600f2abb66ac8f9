// Without this file the value can still be selected and copied by hand.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    let said = "Copied.";
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      said = "Press Ctrl+C to copy.";
    }
    document.getElementById("said").textContent = said;
  });
}
