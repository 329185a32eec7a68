import { invalidValue, isDns1123Subdomain, isHttpPath, required } from '@skiff/machinery'
import { addInvalid, type Faults } from './faults.ts'

/** `acme.io/foo`: who is responsible. */
export const checkDomainPath = (faults: Faults, name: string, path: string): void => {
  const slash = name.indexOf('/')
  const [host, rest] = [name.slice(0, Math.max(slash, 0)), name.slice(slash + 1)]
  if (name === '') faults.push(required(path))
  else if (host === '' || rest === '') faults.push(invalidValue(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")'))
  else {
    addInvalid(faults, isDns1123Subdomain(host), host, path)
    addInvalid(faults, isHttpPath(rest), rest, path)
  }
}
