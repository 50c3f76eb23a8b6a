const RECONNECT_DELAY = 1000; // milliseconds

const log = document.querySelector("#chat-log");
const form = document.querySelector("#chat-form");
const input = document.querySelector("#chat-message-input");
const button = document.querySelector("#chat-message-submit");
const notice = document.querySelector("#notice");
const status = document.querySelector("#status");

const path = JSON.parse(document.querySelector("#socket-path").textContent);
const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
const url = `${scheme}//${window.location.host}${path}`;

let socket;
let sent = "";

function connect() {
  socket = new WebSocket(url);
  socket.addEventListener("open", () => {
    status.textContent = "Connected.";
  });
  socket.addEventListener("message", (event) => {
    receive(JSON.parse(event.data));
  });
  socket.addEventListener("close", () => {
    status.textContent = "Not connected. Trying again …";
    setTimeout(connect, RECONNECT_DELAY);
  });
}

function receive(data) {
  if (data.error) {
    notice.textContent = data.error;
    // Put back what was refused, unless the next message has been started.
    input.value ||= sent;
  } else {
    log.value += `${data.message}\n`;
    log.scrollTop = log.scrollHeight;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) {
    notice.textContent = "Not sent: there is no connection.";
    return;
  }
  notice.textContent = "";
  sent = input.value;
  socket.send(JSON.stringify({ message: sent }));
  input.value = "";
});

// Until now, the browser would have submitted the form itself and lost the text.
button.disabled = false;
connect();
