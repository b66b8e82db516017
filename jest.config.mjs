// Three kinds of test, told apart by their names: values (*.spec), real parts (*.medium.spec), the whole program (*.e2e.spec).
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest'] },
  moduleNameMapper: {
    '^#migrations$': '<rootDir>/migrations/index.ts',
    '^#(\\w+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.sightline'],
};
const roots = ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/migrations'];

export default {
  projects: [
    { ...common, displayName: 'unit', roots, testRegex: '(?<!\\.(medium|e2e))\\.spec\\.ts$' },
    {
      ...common,
      displayName: 'medium',
      roots,
      testRegex: '\\.medium\\.spec\\.ts$',
    },
    {
      ...common,
      displayName: 'e2e',
      roots,
      testRegex: '\\.e2e\\.spec\\.ts$',
    },
  ],
  testTimeout: 60_000,
};
