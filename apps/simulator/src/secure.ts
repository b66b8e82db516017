import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { Handshake } from './behaviour.js';
import { type Identity, selfSigned } from './certificate.js';

/** Alert: no cipher and version in common (RFC 8446, 6.2). */
const HANDSHAKE_FAILURE = Buffer.of(0x15, 3, 3, 0, 2, 2, 40);

/** A handshake that is tried in earnest; null: as usual. */
type Earnest = Exclude<Handshake, 'plain' | 'alert' | 'silence'> | null;

/** TLS of one device, with certificates that it signs itself, made when they are first asked for. */
export class Secured {
  private readonly identities = new Map<string, Identity>();
  private readonly contexts = new Map<Earnest, SecureContext>();

  /** @param name in the certificates */
  constructor(private readonly name: string) {}

  /** Meets a TLS hello that waits in the socket; null where nothing more is to be said to it. */
  meet(socket: Socket, how: Handshake | null): TLSSocket | null {
    switch (how) {
      case 'plain':
        socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        return null;
      case 'alert':
        socket.end(HANDSHAKE_FAILURE);
        return null;
      case 'silence':
        return null;
      default:
        return new TLSSocket(socket, { isServer: true, secureContext: this.contextFor(how) });
    }
  }

  private contextFor(how: Earnest): SecureContext {
    const known = this.contexts.get(how);
    if (known !== undefined) return known;
    const isOld = how === 'TLSv1' || how === 'TLSv1.1';
    const { key, cert } = this.identityFor(how === 'weak_key' || how === 'new_certificate' ? how : 'own');
    const context = createSecureContext({
      key,
      cert,
      ...(isOld ? { minVersion: how, maxVersion: how } : {}),
      ...(isOld || how === 'weak_key' ? { ciphers: 'ALL:@SECLEVEL=0' } : {}),
    });
    this.contexts.set(how, context);
    return context;
  }

  private identityFor(kind: 'own' | 'weak_key' | 'new_certificate'): Identity {
    const known = this.identities.get(kind);
    if (known !== undefined) return known;
    const identity = selfSigned(this.name, kind === 'weak_key' ? 'rsa-1024' : 'ec', Date.now());
    this.identities.set(kind, identity);
    return identity;
  }
}
