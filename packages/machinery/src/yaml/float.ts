import { goFloatText } from '../json/go-text.ts'

/** A double as YAML has it. */
export const floatText = (value: number): string => {
  if (Number.isFinite(value)) return goFloatText(value)
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf'
}
