import { isZeroQuantity, type JsonObject, milliValue, parseQuantity, quantityValue } from '@skiff/machinery'
import { textAt } from '../objects/fields.ts'

/** The value of `limits.cpu` and the like as the container would see it: whole units of the divisor, rounded up. */
export const resourceFieldText = (reference: JsonObject, container: JsonObject): string => {
  const resource = textAt(reference, 'resource')
  const divisorText = textAt(reference, 'divisor')
  const divisor = divisorText === '' || isZeroQuantity(parseQuantity(divisorText)) ? parseQuantity('1') : parseQuantity(divisorText)
  const [kind = '', ...rest] = resource.split('.')
  if (!/^(?:limits|requests)\.(?:cpu|memory|ephemeral-storage|hugepages-.*)$/.test(resource)) return ''
  const amount = parseQuantity(textAt(container, ['resources', kind, rest.join('.')]) || '0')
  const ratio = rest[0] === 'cpu' ? milliValue(amount) / milliValue(divisor) : quantityValue(amount) / quantityValue(divisor)
  const value = String(Math.ceil(ratio))
  return value === '0' && (resource === 'limits.cpu' || resource === 'limits.memory') ? 'node allocatable' : value
}
