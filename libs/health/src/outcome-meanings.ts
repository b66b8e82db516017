import type { Outcome } from '#catalog';

/** What an outcome tells of a camera, one sentence each, for the person on call (probing.md 6); what to do about it is in NEXT_STEPS. */
export const OUTCOME_MEANINGS: Readonly<Record<Outcome, string>> = {
  ok: 'the camera sends whole pictures',
  busy: 'the camera is alive, and takes no more viewers at the moment',
  auth_failed: 'the camera is alive, and does not let us in',
  forbidden: 'the camera is alive, and does not allow this user or this address to view',
  not_found: 'a web server answers, and has nothing at this address',
  moved: 'a web server answers, and sends us elsewhere: to a login page, or to the new place of the pictures',
  not_a_picture: 'something answers, and it is no JPEG: a page, a text, or another kind of picture',
  bad_picture: 'a picture comes, and it is cut or damaged',
  connect_timeout: 'nobody takes the call: no power, no line, or something in between drops what we send',
  tls_error: 'a connection stands, and no encryption is agreed that we may trust',
  first_byte_timeout: 'the camera takes the call and never says a word: it hangs',
  first_frame_timeout:
    'the camera answers, and no whole picture comes in time: no source, a stopped encoder, or a very slow line',
  stalled: 'a picture began and did not go on',
  refused: 'the machine is there, and nothing listens on this port',
  unreachable: 'no way leads to the camera, as the network or a gateway says',
  dns_error: 'the name of the camera has no address',
  reset: 'the connection was broken off before a picture was whole',
  empty_reply: 'the connection was closed in order, without any content',
  protocol_error:
    'something answers that is no camera as we know them: not HTTP, broken HTTP, or an error of its server',
  too_large: 'a picture comes that is larger than any we take',
  target_not_allowed: 'the address may not be dialled; no packet left',
  prober_internal: "we cannot tell: the fault is on our side, not the camera's",
};
