import { expect } from 'chai'
import { isPublicAddress } from '../../src/outgoing/addresses.ts'

const PUBLIC = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.1',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.3.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2001:200::1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  '3ffe:ffff::1',
]

/** What it would reach, or what carries it there. */
const NOT_PUBLIC: readonly (readonly [what: string, ...addresses: string[]])[] = [
  ['this host', '0.0.0.0', '0.1.2.3', '::'],
  ['loopback', '127.0.0.1', '127.255.255.254', '::1'],
  ['private networks', '10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.255', '192.168.0.1'],
  ['carrier-grade NAT', '100.64.0.1', '100.127.255.255'],
  ['link-local and cloud metadata', '169.254.0.1', '169.254.169.254', 'fe80::1', 'febf::1', 'fe80::1%lo'],
  ['unique local and site-local', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
  ['multicast and broadcast', '224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255'],
  ['reserved networks', '240.0.0.1', '192.0.0.8', '4000::1', 'e000::1', '5f00::1'],
  ['documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1'],
  ['benchmarking', '198.18.0.1', '198.19.255.255', '2001:2::1'],
  ['discard', '100::1'],
  ['IPv4 written as IPv6, mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8'],
  ['IPv4 written as IPv6, compatible', '::127.0.0.1', '::808:808'],
  ['IPv4 written as IPv6, translated', '::ffff:0:10.0.0.1'],
  ['NAT64', '64:ff9b::10.0.0.1', '64:ff9b::8.8.8.8', '64:ff9b:1::1', '64:ff9b:1:ffff::1'],
  ['6to4', '2002:7f00:1::1', '2002:808:808::1'],
  ['Teredo', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
  ['ORCHID', '2001:10::1', '2001:20::1'],
  [
    '6to4 relays, AS112 and AMT',
    '192.88.99.1',
    '192.31.196.1',
    '192.175.48.1',
    '192.52.193.1',
    '2620:4f:8000::1',
  ],
  [
    'nothing',
    '',
    'localhost',
    '1.2.3',
    '1.2.3.4.5',
    '0x7f.0.0.1',
    '[2606:4700::1]',
    '1.1.1.1 ',
    '2606:4700::1%1',
  ],
]

describe('addresses that the service may call', () => {
  it('are public ones, to the edge of every network that is not', () => {
    for (const address of PUBLIC) expect(isPublicAddress(address), address).to.equal(true)
  })

  for (const [what, ...addresses] of NOT_PUBLIC) {
    it(`are not ${what}`, () => {
      for (const address of addresses) expect(isPublicAddress(address), address).to.equal(false)
    })
  }
})
