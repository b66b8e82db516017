import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { OUTCOMES, type ProbePhases, STATUSES } from '#catalog';

/** Phases of a probe as labels. */
const PHASES: Readonly<Record<keyof ProbePhases, string>> = {
  dnsMs: 'dns',
  connectMs: 'connect',
  tlsMs: 'tls',
  firstByteMs: 'first_byte',
  firstFrameMs: 'first_frame',
};

/** Statuses that only a reading gives. */
const NEVER_MOVED_TO = ['disabled', 'maintenance', 'unreachable'];

/** What the prober counts (reliability.md REL-17); nothing by camera. */
export class ProberMetrics {
  readonly outcomes: Counter<'outcome'>;
  readonly transitions: Counter<'to'>;
  readonly leasesLost: Counter;
  readonly inflight: Gauge;
  readonly lag: Histogram;
  readonly blind: Gauge;
  private readonly durations: Histogram<'phase'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.durations = new Histogram({
      name: 'sightline_probe_duration_seconds',
      help: 'Seconds that the phases of probes took.',
      labelNames: ['phase'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20],
      registers,
    });
    this.outcomes = new Counter({
      name: 'sightline_probe_outcomes_total',
      help: 'Probes by outcome.',
      labelNames: ['outcome'],
      registers,
    });
    this.transitions = new Counter({
      name: 'sightline_state_transitions_total',
      help: 'Changes of the status of cameras.',
      labelNames: ['to'],
      registers,
    });
    this.leasesLost = new Counter({
      name: 'sightline_probe_lease_lost_total',
      help: 'Results dropped since somebody else had the camera meanwhile, or the time was over.',
      registers,
    });
    this.inflight = new Gauge({
      name: 'sightline_probe_inflight',
      help: 'Cameras being asked now.',
      registers,
    });
    this.lag = new Histogram({
      name: 'sightline_probe_schedule_lag_seconds',
      help: 'Seconds by which cameras were overdue when they were claimed.',
      buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300],
      registers,
    });
    this.blind = new Gauge({
      name: 'sightline_prober_blind',
      help: '1 while this prober reaches no camera for a fault of its own line, and judges none.',
      registers,
    });
    for (const phase of Object.values(PHASES)) this.durations.zero({ phase });
    for (const outcome of OUTCOMES) this.outcomes.inc({ outcome }, 0);
    for (const to of STATUSES) if (!NEVER_MOVED_TO.includes(to)) this.transitions.inc({ to }, 0);
  }

  observe(phases: ProbePhases): void {
    for (const [member, phase] of Object.entries(PHASES)) {
      const ms = phases[member as keyof ProbePhases];
      if (ms !== null) this.durations.observe({ phase }, ms / 1000);
    }
  }
}
