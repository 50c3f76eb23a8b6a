const content = document.querySelector("#content");
const input = document.querySelector("#chat_message");
const notice = document.querySelector("#notice");
const status = document.querySelector("#status");

let socket = null; // htmx's, while it is open
let sent = null; // the latest message, until it has come back
let waiting = false; // for its coming back, or for a refusal
let unanswered = false; // whether the server owes an answer to a sync

// Nobody should wait a minute when the server is back after two.
htmx.config.wsReconnectDelay = (retries) => Math.random() * Math.min(2 ** retries, 10) * 1000;

// One connection at a time: htmx would try again for each it gave up.
let latest = null;
htmx.createWebSocket = (url) => {
  if (latest) {
    latest.onopen = latest.onclose = latest.onerror = null;
    latest.close();
  }
  latest = new WebSocket(url);
  return latest;
};

// As crypto.randomUUID does, which pages without HTTPS do not have.
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// Until now the browser would have sent the form itself, and emptied it.
document.addEventListener("htmx:wsConnecting", () => {
  document.querySelector("#form button").disabled = false;
});

document.addEventListener("htmx:wsOpen", (event) => {
  socket = event.detail.socketWrapper;
  status.textContent = "Connected.";
  notice.textContent = "";
  unanswered = false;
  sync();
  if (waiting) {
    socket.sendImmediately(JSON.stringify(sent));
  }
});

// The server's reasons to close, after which the extension does not try again.
const REASONS = {
  4401: "You are logged out. Copy your text, then reload the page.",
  4403: "You do not take part in this conversation.",
};

document.addEventListener("htmx:wsClose", (event) => {
  socket = null;
  status.textContent = REASONS[event.detail.event.code] ?? "Not connected. Trying again …";
  if (event.detail.event.code === 1000) {
    // Daphne ends every socket after a day, and htmx leaves it at that.
    event.detail.socketWrapper.reconnect();
  }
});

// Say up to which message this page is complete, and hear what came after.
function sync() {
  if (unanswered) {
    const silent = socket; // nobody is there any more
    socket = null;
    status.textContent = "Not connected. Trying again …";
    silent.reconnect();
  } else {
    unanswered = true;
    const last = Number(document.querySelector("#synced").value);
    const user = Number(content.dataset.user);
    socket.sendImmediately(JSON.stringify({ sync: last, user }));
  }
}

setInterval(() => socket && sync(), 30_000);
document.addEventListener("visibilitychange", () => socket && !document.hidden && sync());

document.addEventListener("htmx:wsConfigSend", (event) => {
  if (!socket || waiting) {
    // The extension would keep the message and send it later, unseen.
    event.preventDefault();
    notice.textContent = socket
      ? "Not yet: the last message is still under way."
      : "Not sent: there is no connection.";
    return;
  }
  if (sent?.chat_message !== input.value) {
    sent = { chat_message: input.value, client_id: newName() };
  }
  waiting = true;
  event.detail.parameters = sent;
  input.focus();
});

// The message came back, so it is stored: what was typed meanwhile stays.
function acknowledge() {
  if (input.value.startsWith(sent.chat_message)) {
    input.value = input.value.slice(sent.chat_message.length);
  }
  notice.textContent = "";
  sent = null;
  waiting = false;
}

const number = (item) => Number(item.id.replace("message-", ""));

// Put a message in its place by its number, unless it is there already.
function place(item) {
  if (sent && item.dataset.clientId === sent.client_id) {
    acknowledge();
  }
  if (document.getElementById(item.id)) {
    item.remove();
  } else {
    const before = [...content.children].findLast((shown) => number(shown) < number(item));
    before ? before.after(item) : content.prepend(item);
  }
}

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  if (target === content) {
    [...fragment.children].forEach(place);
    fragment.replaceChildren(); // the white space that is left
  } else if (target === notice) {
    waiting = false;
  } else if (target.id === "synced") {
    unanswered = false;
  } else if (target.id === "earlier") {
    // The latest page came anew: what a click has asked for would leave a gap.
    htmx.findAll("#load-earlier").forEach((button) => htmx.trigger(button, "htmx:abort"));
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
  fromEnd = content.scrollHeight - content.scrollTop;
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
    notice.textContent = "Earlier messages could not be loaded. Try again, or reload the page.";
  });
}
