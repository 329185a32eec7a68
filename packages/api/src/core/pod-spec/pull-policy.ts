import { checkOneOf, type Faults } from '../../checks/faults.ts'

export const checkPullPolicy = (faults: Faults, policy: string | undefined, path: string): void =>
  checkOneOf(faults, policy, ['Always', 'IfNotPresent', 'Never'], path)
