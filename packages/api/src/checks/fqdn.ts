import { type FieldError, invalidValue, isDns1123Label, isDns1123Subdomain, required } from '@skiff/machinery'

/** A name of two labels at least; a dot at its end is allowed. */
export const fqdnFaults = (name: string, path: string): FieldError[] => {
  if (name === '') return [required(path)]
  const bare = name.replace(/\.$/, '')
  const whole = isDns1123Subdomain(bare)
  if (whole.length > 0) return [invalidValue(path, bare, whole.join(','))]
  const labels = bare.split('.')
  if (labels.length < 2) return [invalidValue(path, bare, 'should be a domain with at least two segments separated by dots')]
  return labels.flatMap((label) => {
    const faults = isDns1123Label(label)
    return faults.length > 0 ? [invalidValue(path, label, faults.join(','))] : []
  })
}

/** A name of three labels at least, as webhooks have. */
export const qualifiedNameFaults = (name: string, path: string): FieldError[] => {
  if (name === '') return [required(path)]
  const faults = isDns1123Subdomain(name)
  if (faults.length > 0) return [invalidValue(path, name, faults.join(','))]
  return name.split('.').length < 3 ? [invalidValue(path, name, 'should be a domain with at least three segments separated by dots')] : []
}
