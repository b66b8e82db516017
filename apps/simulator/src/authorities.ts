import type { AuthorityDocument } from '#catalog';

/** Authorities that the street belongs to. */
export const AUTHORITY_SLUGS = ['demo-water', 'demo-roads', 'demo-park', 'demo-load'] as const;
export type AuthoritySlug = (typeof AUTHORITY_SLUGS)[number];

const NAMES: Readonly<Record<AuthoritySlug, readonly [en: string, zh: string, kind: 'public' | 'private']>> = {
  'demo-water': ['Demo Water Resources Bureau (simulated)', '示範水利局 (模擬)', 'public'],
  'demo-roads': ['Demo Roads Bureau (simulated)', '示範道路局 (模擬)', 'public'],
  'demo-park': ['Demo Science Park (simulated)', '示範科學園區 (模擬)', 'private'],
  'demo-load': ['Demo Load Test (simulated)', '示範負載測試 (模擬)', 'public'],
};

/** An authority of the street, whose devices listen on these ports of the loopback network, or of one other IPv4 address. */
export function authorityOf(slug: AuthoritySlug, ports: readonly number[], address: string): AuthorityDocument {
  const [name, zh, kind] = NAMES[slug];
  return {
    slug,
    name,
    names: { 'zh-Hant': zh },
    kind,
    contacts: [
      {
        role: 'duty_officer',
        name: 'Duty desk (simulated)',
        phone: '+886 6 000 0000',
        email: `duty@${slug}.example`,
        hours: '24 h',
      },
      {
        role: 'technical',
        name: 'Camera workshop (simulated)',
        email: `workshop@${slug}.example`,
        hours: '08:00-17:00',
      },
    ],
    network: { cidrs: address.startsWith('127.') ? ['127.0.0.0/8'] : [`${address}/32`], ports: [...ports] },
    probing: { intervalS: 20, minIntervalS: 5 },
    defaults: { access: 'public', timeZone: 'Asia/Taipei' },
    terms: { licence: 'CC0-1.0', attribution: 'Simulated by Sightline', keepImages: 'latest' },
    // Its gate is an old device that knows Basic alone; nothing leaves this machine.
    ...(slug === 'demo-park' ? { allowBasicPlaintext: true } : {}),
  };
}
