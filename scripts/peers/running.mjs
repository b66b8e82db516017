// Peers that nobody of us wrote: those of ../shared/tools/camera-peers, TLS of openssl, VLC. What is absent is left out.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const SERVERS = ['apache', 'ffmpeg', 'gstreamer', 'lighttpd', 'motion', 'nginx', 'ustreamer'];
/** How each program tells its version. */
const VERSIONS = {
  apache: ['apache2', '-v'],
  ffmpeg: ['ffmpeg', '-version'],
  gstreamer: ['gst-launch-1.0', '--version'],
  lighttpd: ['lighttpd', '-v'],
  motion: ['motion', '-h'],
  nginx: ['nginx', '-v'],
  openssl: ['openssl', 'version'],
  ustreamer: ['ustreamer', '--version'],
  vlc: ['cvlc', '--version'],
};

const versions = new Map();
/** Version of the program behind a peer, such as `nginx-live`; empty where it does not tell. */
export function versionOf(name) {
  const [program = ''] = name.split('-');
  if (!versions.has(program)) {
    const [command, ...args] = VERSIONS[program] ?? [''];
    const { stdout = '', stderr = '' } =
      command === '' ? {} : spawnSync(command, args, { encoding: 'utf8', timeout: 5_000 });
    versions.set(program, /\d+(?:\.\d+)+/.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[0] ?? '');
  }
  return versions.get(program);
}

/** Cameras of the tool's servers that run; `starts`: after starting them. Empty where the tool is absent or may not start them. */
export function toolPeers(tool, starts) {
  if (!existsSync(tool)) return [];
  if (starts) spawnSync(tool, ['up', ...SERVERS], { stdio: ['ignore', 'ignore', 'inherit'], timeout: 600_000 });
  const { status, stdout } = spawnSync(tool, ['list', '--json'], { encoding: 'utf8' });
  if (status !== 0 || !stdout.trim().startsWith('[')) return [];
  return JSON.parse(stdout).filter(({ kind }) => kind === 'mjpeg' || kind === 'snapshot');
}

const has = (command) => spawnSync(command, ['version'], { stdio: 'ignore', timeout: 10_000 }).error === undefined;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listens(port) {
  for (let tries = 100; tries > 0; tries -= 1) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (isOpen) return true;
    await wait(100);
  }
  return false;
}

/** Servers of ours in a folder of their own; `close` ends all. */
export function openOwnPeers(fixtures) {
  const folder = mkdtempSync(path.join(tmpdir(), 'sightline-peers-'));
  chmodSync(folder, 0o755);
  const children = new Set();
  const start = (command, args, options = {}) => {
    const child = spawn(command, args, { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'], ...options });
    children.add(child);
    child.on('error', () => children.delete(child)).on('exit', () => children.delete(child));
    return child;
  };
  const end = async (child) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };

  /** A certificate with this key; its files by name. */
  const certificate = (name, ...key) => {
    spawnSync(
      'openssl',
      [
        'req',
        '-x509',
        '-nodes',
        '-days',
        '2',
        '-subj',
        '/CN=camera',
        '-newkey',
        ...key,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.pem`,
      ],
      {
        cwd: folder,
        stdio: 'ignore',
      },
    );
    return ['-cert', path.join(folder, `${name}.pem`), '-key', path.join(folder, `${name}.key`)];
  };
  const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

  const secure = async (port, ...args) => {
    // It serves the files of the folder that it stands in.
    const child = start('openssl', ['s_server', '-quiet', '-accept', `127.0.0.1:${port}`, '-HTTP', ...args], {
      cwd: fixtures,
    });
    return (await listens(port)) ? child : null;
  };

  /** TLS as devices of several ages have it (probing.md, section 16). @param pinOf probes a peer once for its key */
  const tlsPeers = async (pinOf) => {
    if (!existsSync(fixtures) || !has('openssl')) return [];
    const one = certificate('one', ...EC);
    const other = certificate('other', ...EC);
    const weak = certificate('weak', 'rsa:1024');
    const ANY = ['-cipher', 'ALL:@SECLEVEL=0'];
    const [v10, v11, rsa, own, changing] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    await Promise.all([
      secure(v10, ...one, '-tls1', ...ANY),
      secure(v11, ...one, '-tls1_1', ...ANY),
      secure(rsa, ...weak, ...ANY),
      secure(own, ...one),
    ]);
    const peer = (name, port, more = {}) => ({
      name: `openssl-${name}`,
      kind: 'mjpeg',
      url: `https://127.0.0.1:${port}/01-axis-standard.http`,
      ...more,
    });
    const before = await secure(changing, ...one);
    const pin = before === null ? undefined : await pinOf(peer('changed', changing));
    if (before !== null) await end(before);
    await secure(changing, ...other);
    return [
      peer('tls-1.0', v10, { tls: 'legacy' }),
      peer('tls-1.0-pinned', v10),
      peer('tls-1.1', v11, { tls: 'legacy' }),
      peer('rsa-1024', rsa, { tls: 'legacy' }),
      peer('self-signed', own),
      peer('self-signed-strict', own, { tls: 'strict' }),
      ...(pin === undefined ? [] : [peer('changed', changing, { pin })]),
    ];
  };

  /** VLC as a server of Motion-JPEG; it does not run as root. */
  const vlcPeers = async () => {
    if (!has('cvlc') || !has('ffmpeg')) return [];
    spawnSync(
      'ffmpeg',
      [
        '-v',
        'error',
        '-y',
        '-f',
        'lavfi',
        '-i',
        'testsrc2=size=640x360:rate=5',
        '-t',
        '60',
        '-c:v',
        'mjpeg',
        'clip.avi',
      ],
      { cwd: folder },
    );
    const serve = async (port, before) => {
      const access = 'access=http{mime=multipart/x-mixed-replace;boundary=7b3cc56e5f51db803f790dad720ed50a}';
      const out = `${before}standard{${access},mux=mpjpeg,dst=127.0.0.1:${port}/}`;
      const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
      start('cvlc', ['--loop', path.join(folder, 'clip.avi'), '--sout', `#${out}`], {
        ...asNobody,
        env: { ...process.env, HOME: folder },
      });
      return listens(port);
    };
    const [stream, silent] = [await freePort(), await freePort()];
    const run = await Promise.all([serve(stream, ''), serve(silent, 'transcode{vcodec=MJPG}:')]);
    return [
      ...(run[0] ? [{ name: 'vlc-stream', kind: 'mjpeg', url: `http://127.0.0.1:${stream}/` }] : []),
      ...(run[1] ? [{ name: 'vlc-silent', kind: 'mjpeg', url: `http://127.0.0.1:${silent}/` }] : []),
    ];
  };

  const close = async () => {
    await Promise.all([...children].map(end));
    rmSync(folder, { recursive: true, force: true });
  };
  return { tlsPeers, vlcPeers, close };
}
