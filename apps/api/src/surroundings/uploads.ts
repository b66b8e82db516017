import path from 'node:path';
import type { Settings } from '#settings';

/** Where files are received that are too large for memory; each is removed when it was read. */
export const uploadsOf = ({ dataDir }: Pick<Settings, 'dataDir'>): string => path.join(dataDir, 'uploads');
