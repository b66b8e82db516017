import { AUDIT_ACTIONS, type AuditAction } from './audit-codes.js';
import { CAMERA_SELECTORS, PAGE_SELECTORS, type Selector } from './camera-search.js';
import { shown } from './problems.js';

const action: Selector<AuditAction> & { readonly repeatable: true } = {
  description: 'What was done.',
  schema: { type: 'string', enum: AUDIT_ACTIONS },
  example: 'camera.changed',
  repeatable: true,
  parse: (given) => {
    const known = AUDIT_ACTIONS.find((one) => one === given);
    return known === undefined
      ? { finding: ['enum', `expected one of ${AUDIT_ACTIONS.join(', ')}; got ${shown(given)}`] }
      : { value: known };
  },
};

const id = (description: string, example: string): Selector<string> => ({
  description,
  schema: { type: 'string', minLength: 1, maxLength: 256 },
  example,
  parse: (given) =>
    given.length > 0 && given.length <= 256 && !given.includes('\0')
      ? { value: given }
      : { finding: ['length', `expected 1 to 256 characters; got ${shown(given)}`] },
});

const moment = CAMERA_SELECTORS.updatedSince;

/** Every selector of `GET /v1/audit`. They combine with AND; several values of one are alternatives. */
export const AUDIT_SELECTORS = {
  authority: { ...CAMERA_SELECTORS.authority, description: 'Authority for whom it was done.' },
  principal: { ...id('Who did it.', 'key:Ab3dE6gH9k'), repeatable: true },
  action,
  subject: id('Id of what it was done to.', '019ac8f2-6d1b-7a55-9d0e-3f2b8c4d5e6f'),
  from: { ...moment, description: 'Done at this time or later.', example: '2026-11-24T08:00:00Z' },
  to: { ...moment, description: 'Done before this time.', example: '2026-11-25T08:00:00Z' },
  ...PAGE_SELECTORS,
} as const satisfies Readonly<Record<string, Selector<unknown>>>;
