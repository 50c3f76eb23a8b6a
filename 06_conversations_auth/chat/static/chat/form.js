// The form: it keeps each message until the server has stored it.
const content = document.querySelector("#content");
const input = document.querySelector("#chat_message");
const notice = document.querySelector("#notice");

let socket = null; // htmx's, while it's open
let message = null; // the latest that was sent, until it's acknowledged
let ackPending = false;

// Like crypto.randomUUID(), which needs HTTPS.
function newClientId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

document.addEventListener("htmx:wsConnecting", () => {
  socket = null;
  // Until now, the browser would have submitted the form itself and lost the text.
  document.querySelector("#form button").disabled = false;
});

document.addEventListener("htmx:wsOpen", ({ detail }) => {
  socket = detail.socketWrapper;
  notice.textContent = "";
  if (ackPending) {
    socket.sendImmediately(JSON.stringify(message));
  }
});

document.addEventListener("htmx:wsClose", () => {
  socket = null;
});

document.addEventListener("htmx:wsConfigSend", (event) => {
  if (!socket || ackPending) {
    // The extension would keep the message and send it later, unseen.
    event.preventDefault();
    notice.textContent = ackPending
      ? "Not yet: the last message is still being sent."
      : "Not sent: there is no connection.";
    return;
  }
  if (message?.chat_message !== input.value) {
    message = { chat_message: input.value, client_id: newClientId() };
  }
  ackPending = true;
  event.detail.parameters = message;
  input.focus();
});

document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target === notice) {
    ackPending = false; // the server refused it
  }
});

// The message came back, so it's stored. What was typed meanwhile stays.
document.addEventListener("htmx:wsAfterMessage", () => {
  if (message && content.querySelector(`[data-client-id="${message.client_id}"]`)) {
    if (input.value.startsWith(message.chat_message)) {
      input.value = input.value.slice(message.chat_message.length);
    }
    notice.textContent = "";
    message = null;
    ackPending = false;
  }
});
