const content = document.querySelector("#content");
const notice = document.querySelector("#notice");
const status = document.querySelector("#status");

let connected = false;

// The server replaces the input, so look it up each time.
const input = () => document.querySelector("#chat_message");

// Until now, the browser would have submitted the form itself and lost the text.
document.addEventListener("htmx:wsConnecting", () => {
  document.querySelector("#form button").disabled = false;
});

document.addEventListener("htmx:wsOpen", () => {
  connected = true;
  status.textContent = "Connected.";
});

document.addEventListener("htmx:wsClose", ({ detail }) => {
  connected = false;
  input().readOnly = false;
  status.textContent = "Not connected. Trying again …";
  if (![1006, 1011, 1012, 1013].includes(detail.event.code)) {
    setTimeout(detail.socketWrapper.reconnect, 1000 * (1 + Math.random())); // htmx won't
  }
});

document.addEventListener("htmx:wsConfigSend", (event) => {
  if (!connected) {
    // The extension would keep the message and send it later, unseen.
    event.preventDefault();
    notice.textContent = "Not sent: there is no connection.";
  } else if (input().readOnly) {
    event.preventDefault();
  }
});

// While a message is being sent, a second Enter must not send it again.
document.addEventListener("htmx:wsAfterSend", () => {
  input().readOnly = true;
});

// The server answers with an empty input in place of this one, or with a notice.
document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target === notice) {
    input().readOnly = false;
  }
});

// Follow the conversation, but leave a reader who scrolled up where they are.
let following = true;

content.addEventListener("scroll", () => {
  following = content.scrollTop + content.clientHeight > content.scrollHeight - 40;
});

new MutationObserver(() => {
  if (following) {
    content.scrollTop = content.scrollHeight;
  }
}).observe(content, { childList: true });
