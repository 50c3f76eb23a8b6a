const content = document.querySelector("#content");
const notice = document.querySelector("#notice");
const status = document.querySelector("#status");

let connected = false;

// The server replaces the input, so look it up each time.
const input = () => document.querySelector("#chat_message");

// Until now the browser would have sent the form itself, and emptied it.
document.addEventListener("htmx:wsConnecting", () => {
  document.querySelector("#form button").disabled = false;
});

document.addEventListener("htmx:wsOpen", () => {
  connected = true;
  status.textContent = "Connected.";
});

// The server's reasons to close, after which the extension does not try again.
const REASONS = {
  4401: "You are logged out. Reload the page to log in.",
  4403: "You do not take part in this conversation.",
};

document.addEventListener("htmx:wsClose", (event) => {
  connected = false;
  input().readOnly = false;
  status.textContent = REASONS[event.detail.event.code] ?? "Not connected. Trying again …";
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

// While a message is under way, a second Enter must not send it again.
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
let fromEnd = 0; // pixels from the upper edge of what is seen to the end of the list

content.addEventListener("scroll", () => {
  fromEnd = content.scrollHeight - content.scrollTop;
  following = fromEnd < content.clientHeight + 40;
});

function keepPlace(mutations = []) {
  if (following) {
    content.scrollTop = content.scrollHeight;
  } else if (mutations.some((mutation) => !mutation.previousSibling)) {
    // Earlier messages came in above.
    content.scrollTop = content.scrollHeight - fromEnd;
  }
}

// The server writes times in its own time zone; show the reader's.
function localize() {
  for (const time of content.querySelectorAll("time:not([title])")) {
    const moment = new Date(time.dateTime);
    time.title = time.textContent;
    time.textContent = moment.toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  }
}

new MutationObserver((mutations) => {
  localize();
  keepPlace(mutations);
}).observe(content, { childList: true });

localize();
keepPlace();

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, () => {
    notice.textContent = "Earlier messages could not be loaded. Reload the page.";
  });
}
