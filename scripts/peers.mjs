// `npm run peers`: probes real camera servers that nobody of us wrote, some times each, and writes docs/peers.md.
//   --running   takes those that run and starts none of ../shared/tools/camera-peers
//   --json      prints the rows in place of writing the page
// Exit code: 0 all as expected, 2 some not.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { openSampler } from './peers/samples.mjs';
import { openOwnPeers, toolPeers, versionOf } from './peers/running.mjs';
import { ensureBuilt, ensureInstalled, requireNode, root } from './set-up.mjs';

const inRoot = (...parts) => path.join(root, ...parts);
const SHARED = inRoot('..', 'shared');
const EXPECTED = JSON.parse(readFileSync(inRoot('scripts/peers/expected.json'), 'utf8'));
/** Probes of a peer, where its row says nothing else. */
const SAMPLES = 3;
const programOf = ({ name }) => name.split('-')[0];
/** Servers at once, cameras of one server in turn, for some serve one client at a time; of these each by itself. */
const SERVING_MANY = ['nginx'];
const turnOf = (peer) => (SERVING_MANY.includes(programOf(peer)) ? peer.name : new URL(peer.url).host);
const { version } = JSON.parse(readFileSync(inRoot('package.json'), 'utf8'));

requireNode();
ensureInstalled();
await ensureBuilt();
const [isJson, takesRunning] = ['--json', '--running'].map((option) => process.argv.includes(option));

const sampler = await openSampler(version);
const own = openOwnPeers(path.join(SHARED, 'vectors', 'mjpeg'));
try {
  const peers = [
    ...toolPeers(path.join(SHARED, 'tools', 'camera-peers'), !takesRunning),
    ...(await own.tlsPeers(async (peer) => (await sampler.ask(peer)).result.evidence.pin)),
    ...(await own.vlcPeers()),
  ];
  const turns = [...new Set(peers.map(turnOf))];
  const sampled = await Promise.all(turns.map((turn) => sampleInTurn(peers.filter((peer) => turnOf(peer) === turn))));
  const rows = sampled.flat();
  const absent = Object.keys(EXPECTED).filter((name) => !rows.some((row) => row.name === name));
  if (isJson) console.log(JSON.stringify({ rows, absent }));
  else {
    writeFileSync(inRoot('docs/peers.md'), pageOf(rows, absent));
    console.error(`docs/peers.md: ${rows.length} peers, ${absent.length} not here`);
  }
  if (rows.some(({ problems }) => problems.length > 0)) process.exitCode = 2;
} finally {
  await Promise.all([sampler.close(), own.close()]);
}

async function sampleInTurn(peers) {
  const rows = [];
  for (const peer of peers) {
    const expected = EXPECTED[peer.name];
    if (expected === undefined) continue;
    const found = await sampler.sample(peer, expected.samples ?? SAMPLES);
    const problems = problemsOf(found, expected);
    console.error(`${peer.name}: ${problems.length === 0 ? found.outcomes.join(', ') : problems.join('; ')}`);
    rows.push({ name: peer.name, version: versionOf(peer.name), ...found, problems });
  }
  return rows;
}

/** What is not as expected, in words. */
function problemsOf({ outcomes, requests, algorithm, firstPictureMs, status, flags }, expected) {
  const isOnline = status === 'online' && outcomes.every((outcome) => outcome === 'ok');
  return [
    ...outcomes
      .filter((outcome) => !expected.outcomes.includes(outcome))
      .map((outcome) => `${outcome}, expected ${expected.outcomes.join(' or ')}`),
    ...(expected.requests ?? []).flatMap((count, i) =>
      requests[i] === count ? [] : [`${requests[i]} requests in probe ${i + 1}, expected ${count}`],
    ),
    ...(expected.algorithm === undefined || expected.algorithm === algorithm ? [] : [`answered with ${algorithm}`]),
    ...(expected.firstOkWithinMs === undefined || (firstPictureMs !== null && firstPictureMs < expected.firstOkWithinMs)
      ? []
      : [`first picture after ${firstPictureMs} ms`]),
    ...(expected.isNeverPlainOnline === true && isOnline ? ['plain online'] : []),
    ...flags.filter((flag) => expected.flags?.includes(flag) !== true).map((flag) => `flag ${flag}`),
  ];
}

function pageOf(rows, absent) {
  const runs = (outcomes) => (new Set(outcomes).size === 1 ? outcomes[0] : outcomes.join(', '));
  const lines = rows.map(
    ({ name, version: of, outcomes, requests, algorithm, firstPictureMs, status, flags, problems }) => {
      const { shape } = EXPECTED[name];
      const signIn = [
        ...(algorithm === null ? [] : [algorithm]),
        ...(requests.length === 0 ? [] : [`${requests.join(', ')} requests`]),
      ].join('; ');
      const state = [status, ...flags].join(', ');
      const cells = [
        name,
        of,
        shape,
        EXPECTED[name].outcomes.join(' or '),
        runs(outcomes),
        state,
        signIn,
        firstPictureMs === null ? '' : firstPictureMs.toFixed(0),
      ];
      return `| ${[...cells, problems.length === 0 ? 'yes' : problems.join('; ')].join(' | ')} |`;
    },
  );
  return `<!-- Written by npm run peers. -->

# Real camera servers

Programs that nobody of us wrote, each probed three times (one whose source is gone, five times) by the prober's own reader and decoder; the state machine is told that the samples came a minute apart. Written by \`npm run peers\` with Node ${process.versions.node} on ${process.platform}.

| peer | version | what it sends | expected | outcome | then | sign-in | first picture, ms | as expected |
|---|---|---|---|---|---|---|---|---|
${lines.join('\n')}

${absent.length === 0 ? 'None was absent.' : `Not here: ${absent.join(', ')}.`}
`;
}
