// Initialises a SoftHSM token and its user PIN, once. Arguments: module, label, files of the SO's and the user's PIN.
import { readFileSync } from 'node:fs'
import pkcs11js from 'pkcs11js'

const [module, label, soPinFile, pinFile] = process.argv.slice(2)
const soPin = readFileSync(soPinFile, 'utf8')
const pin = readFileSync(pinFile, 'utf8')

const lib = new pkcs11js.PKCS11()
lib.load(module)
lib.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK })
try {
  if (!findSlot()) {
    const free = slots().find((slot) => !has(slot, pkcs11js.CKF_TOKEN_INITIALIZED))
    if (!free) throw new Error('The module offers no slot for a new token.')
    // The binding pads with NUL, the standard with spaces: a label is padded here, or it is never found again.
    lib.C_InitToken(free, soPin, label.padEnd(32, ' '))
  }
  // SoftHSM numbers its slots anew when it has a new token.
  const slot = findSlot()
  if (!has(slot, pkcs11js.CKF_USER_PIN_INITIALIZED)) setPin(slot)
} finally {
  lib.C_Finalize()
}

function setPin(slot) {
  const session = lib.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION)
  lib.C_Login(session, pkcs11js.CKU_SO, soPin)
  lib.C_InitPIN(session, pin)
  lib.C_Logout(session)
  lib.C_CloseSession(session)
}

function slots() {
  return lib.C_GetSlotList(true)
}

function findSlot() {
  return slots().find(
    (slot) => has(slot, pkcs11js.CKF_TOKEN_INITIALIZED) && lib.C_GetTokenInfo(slot).label.trim() === label,
  )
}

function has(slot, flag) {
  return (lib.C_GetTokenInfo(slot).flags & flag) !== 0
}
