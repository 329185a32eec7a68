import { invalidValue, isPortName, isPortNumber } from '@skiff/machinery'
import { addInvalid, type Faults } from './faults.ts'

export const protocols = ['SCTP', 'TCP', 'UDP']

/** A port by number, or by name in the form of an IANA service. */
export const checkPortNumOrName = (faults: Faults, port: number | string | undefined, path: string): void => {
  if (typeof port === 'string') addInvalid(faults, isPortName(port), port, path)
  else addInvalid(faults, isPortNumber(port ?? 0), port ?? 0, path)
}

export const checkPortNumber = (faults: Faults, port: number, path: string): void => {
  for (const message of isPortNumber(port)) faults.push(invalidValue(path, port, message))
}
