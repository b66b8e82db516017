// A relay before a peer that counts what is asked of it: the reader makes one connection a request.
import { connect, createServer } from 'node:net';

/** @returns {Promise<{ port: number, heads: string[], connections: () => number, close: () => Promise<void> }>} */
export async function tap(host, port) {
  const heads = [];
  const sockets = new Set();
  let connections = 0;
  const server = createServer((socket) => {
    const peer = connect(port, host);
    let isHeard = false;
    // A connection that the peer refuses is refused by us with RST; it never was a request.
    peer.once('connect', () => (connections += 1));
    peer.on('error', () => socket.resetAndDestroy());
    socket.on('error', () => peer.destroy());
    socket.once('data', (head) => heads.push(head.toString('latin1')));
    peer.on('data', () => (isHeard = true));
    peer.on('close', () => (isHeard ? socket.end() : socket.destroy()));
    socket.on('close', () => peer.destroy());
    for (const one of [socket, peer]) {
      sockets.add(one);
      one.on('close', () => sockets.delete(one));
    }
    socket.pipe(peer).pipe(socket);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    heads,
    connections: () => connections,
    close: async () => {
      for (const one of sockets) one.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
