import type { KnownService, ServiceKind } from '#catalog';
import type { AskedService, HealthState } from './state.js';

/**
 * Which services a probe asks, in order, until one gives a picture: places in `services[]`. Usually the first alone;
 * retries of a suspect and rounds of an offline camera go on to the others in turn (S3). While another one stands in for
 * the first, the first is asked whether it is back, and then the other.
 * Services that show a preset say nothing of the main view, and those that cannot be probed say nothing at all: they are not
 * asked, unless there are no others. Of a camera of presets alone the first is the main view.
 * @param isProbed whether there is a way to ask services of a kind
 */
export function whomToAsk(
  state: HealthState,
  services: readonly KnownService[],
  isProbed: (kind: ServiceKind) => boolean,
): readonly AskedService[] {
  const able = ableServices(services, isProbed);
  const turn = (n: number): AskedService[] => able.slice(n % able.length, (n % able.length) + 1);
  const last = able.filter(({ index }) => index === state.service?.index);
  switch (state.standing) {
    case 'suspect':
      return turn(state.attempt);
    case 'offline':
      return turn(state.backOff);
    case 'recovering':
      return last.length > 0 ? last : turn(0);
    case 'unknown':
    case 'online': {
      const isStandIn = state.conditions.includes('primary_failing') && last[0]?.index !== able[0]?.index;
      return isStandIn ? [...turn(0), ...last] : turn(0);
    }
    default:
      return state.standing satisfies never;
  }
}

/** Place of the service that is asked before all others. */
export const primaryOf = (services: readonly KnownService[], isProbed: (kind: ServiceKind) => boolean): number =>
  ableServices(services, isProbed)[0]?.index ?? 0;

function ableServices(
  services: readonly KnownService[],
  isProbed: (kind: ServiceKind) => boolean,
): readonly AskedService[] {
  const all = services.map(({ kind, shows = 'main' }, index) => ({ index, kind, shows }));
  const probed = all.some(({ kind }) => isProbed(kind)) ? all.filter(({ kind }) => isProbed(kind)) : all;
  const main = probed.some(({ shows }) => shows === 'main') ? 'main' : probed[0]?.shows;
  return probed.filter(({ shows }) => shows === main).map(({ index, kind }) => ({ index, kind }));
}
