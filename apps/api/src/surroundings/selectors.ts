import { type Selector, shown } from '#catalog';

const DAY_MS = 86_400_000;

/** Date of data about surroundings. One that lies ahead would beat all others for ever; a day is for the time zones. */
export const DATE_SELECTOR: Selector<string> = {
  description: 'Date of the data, required. Where data overlap, the newest count.',
  schema: { type: 'string', format: 'date' },
  example: '2025-06-30',
  parse: (given) => {
    const at = /^\d{4}-\d\d-\d\d$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : NaN;
    // JavaScript takes the 31st of June for the 1st of July.
    if (Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== given) {
      return { finding: ['format', `expected a date such as 2025-06-30; got ${shown(given)}`] };
    }
    return at <= Date.now() + DAY_MS ? { value: given } : { finding: ['range', `${given} lies ahead`] };
  },
};
