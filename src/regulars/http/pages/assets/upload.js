// Files are sent as they are, with progress; and they can be dropped. Without this, the form sends them.

for (const form of document.querySelectorAll("form[data-upload]")) {
  const input = form.querySelector("input[type=file]");
  const progress = form.querySelector("progress");
  const fault = form.querySelector(".error");

  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
  });

  form.addEventListener("submit", (event) => {
    const file = input.files[0];
    if (!file) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "true";
    fault.textContent = "";
    progress.hidden = false;
    const request = new XMLHttpRequest();
    const failed = (sentence) => {
      progress.hidden = true;
      delete form.dataset.sending;
      delete form.dataset.sent;
      fault.textContent = sentence;
    };
    request.upload.addEventListener("progress", (sent) => {
      if (sent.lengthComputable) progress.value = sent.loaded / sent.total;
    });
    request.addEventListener("error", () => failed("The connection broke. Send the file again."));
    request.addEventListener("load", () => {
      let reply = {};
      try {
        reply = JSON.parse(request.responseText);
      } catch {
        // a page instead of an answer: the session has ended, or a proxy refused
      }
      if (reply.url) location.assign(reply.url);
      else failed(reply.detail || "The file was not taken. Reload the page and try again.");
    });
    const query = new URLSearchParams({ name: file.name, kind: form.elements.kind.value });
    request.open("POST", `${form.getAttribute("action")}?${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.send(file);
  });
}
