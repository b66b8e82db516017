import ipaddr from 'ipaddr.js';

/**
 * The name under which an address is counted: of IPv6 the /64, which one household or host has whole; an IPv4 address written as
 * IPv6 is the IPv4 address.
 */
export function householdOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return 'parts' in parsed
    ? `${parsed.parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':')}::/64`
    : parsed.toString();
}
