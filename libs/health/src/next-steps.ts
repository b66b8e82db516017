import type { Outcome } from '#catalog';

/** What the person on call does about an outcome, one sentence each (probing.md S16). */
export const NEXT_STEPS: Readonly<Record<Outcome, string>> = {
  ok: 'nothing: the camera sends pictures',
  busy: 'see who else watches the camera, or raise its limit of viewers',
  auth_failed: "set the camera's user name and password anew; it is not asked with the old ones for a while",
  forbidden: "give the camera's user the right to view, or allow our address in the camera",
  not_found: "compare the service's URL with the camera's own page",
  moved: 'open the URL in a browser and register the address to which it leads',
  not_a_picture: 'open the URL in a browser: it is a page, or another kind of stream',
  bad_picture: 'look at the picture; then at the line to the camera, its power and its encoder',
  connect_timeout: 'see whether the camera has power and its line is up; then the firewall between',
  tls_error: "look at the camera's certificate and its clock, or choose another tls mode",
  first_byte_timeout: 'restart the camera: it takes connections and does not answer',
  first_frame_timeout: "look at the camera's encoder and its stream's settings; restart it",
  stalled: 'see whether the line to the camera is too slow or loses packets',
  refused: "see whether the camera's web server runs, and on which port",
  unreachable: 'see whether the network of the camera is up: router, VPN, mobile link',
  dns_error: "see whether the camera's host name still exists",
  reset: 'restart the camera, or see what between it and us breaks connections off',
  empty_reply: 'see whether the camera has a picture source; restart it',
  protocol_error: 'see whether another device answers at this address and port',
  too_large: 'choose a smaller resolution for this service',
  target_not_allowed: "have a platform administrator add the address to the authority's network, or correct the URL",
  prober_internal: "look at the prober's log",
};
