import { expect, test } from 'vitest'
import { defaultGates, gatesOf, gateWarnings, parseFeatureGates } from './gates.ts'
import { knownGates } from './known.ts'

test('the defaults are those of 1.33', () => {
  const { WatchList, CBORServingAndStorage, InPlacePodVerticalScaling, MultiCIDRServiceAllocator, SidecarContainers } = defaultGates
  expect([WatchList, CBORServingAndStorage, InPlacePodVerticalScaling, MultiCIDRServiceAllocator, SidecarContainers]).toEqual([
    false,
    false,
    true,
    true,
    true,
  ])
  expect(knownGates.CRDValidationRatcheting).toEqual({ stage: '', default: true, locked: true })
})

test.each([
  ['Nothing=true', 'unrecognized feature gate: Nothing'],
  ['constructor=true', 'unrecognized feature gate: constructor'],
  ['WatchList', 'missing bool value for WatchList'],
  ['WatchList=maybe', 'invalid value of WatchList=maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
  ['SidecarContainers=false', 'cannot set feature gate SidecarContainers to false, feature is locked to true'],
  [
    'SidecarContainers=false,WatchFromStorageWithoutResourceVersion=true',
    '[cannot set feature gate SidecarContainers to false, feature is locked to true, cannot set feature gate WatchFromStorageWithoutResourceVersion to true, feature is locked to false]',
  ],
])('%s is refused', (text, message) => {
  expect(() => gatesOf(text)).toThrow(new Error(message))
})

test('AllAlpha and AllBeta set what is not named itself', () => {
  const gates = gatesOf('AllAlpha=true,AllBeta=false,HPAScaleToZero=false,JobManagedBy=T')
  const { StrictIPCIDRValidation, HPAScaleToZero, InPlacePodVerticalScaling, JobManagedBy, ExecProbeTimeout, AllBeta } = gates
  expect([StrictIPCIDRValidation, HPAScaleToZero, InPlacePodVerticalScaling, JobManagedBy, ExecProbeTimeout, AllBeta]).toEqual([
    true,
    false,
    false,
    true,
    true,
    false,
  ])
})

test('blanks are trimmed, empty parts passed over, and the last word counts', () => {
  expect([...parseFeatureGates(' A = true ,,A=0,B=1')]).toEqual([
    ['A', false],
    ['B', true],
  ])
})

test('gates that will go are warned of', () => {
  expect(gateWarnings(parseFeatureGates('SidecarContainers=true,KMSv1=true,WatchList=true'))).toEqual([
    'Setting GA feature gate SidecarContainers=true. It will be removed in a future release.',
    'Setting deprecated feature gate KMSv1=true. It will be removed in a future release.',
  ])
})
