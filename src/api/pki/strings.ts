import type { RevocationReason } from '../../db/revocations.ts'

/** Every sentence of the repository's page. A further language is a further member of the table. */
interface Strings {
  readonly title: string
  readonly intro: string
  readonly search: string
  readonly serial: string
  readonly serialHint: string
  readonly ask: string
  readonly badSerial: string
  readonly status: Readonly<
    Record<'valid' | 'notYet' | 'expired' | 'revoked' | 'suspended' | 'unknown', string>
  >
  readonly since: string
  readonly reason: string
  readonly reasons: Readonly<Record<RevocationReason, string>>
  readonly validity: string
  readonly asOf: string
  readonly authorities: string
  readonly certificate: string
  readonly fingerprint: string
  readonly list: string
  readonly noList: string
  readonly number: string
  readonly issued: string
  readonly next: string
  readonly entries: string
  readonly shards: string
  readonly documents: string
  readonly notFoundTitle: string
  readonly notFound: string
}

export type Language = 'en' | 'el'

export const strings: Readonly<Record<Language, Strings>> = {
  en: {
    title: 'Certificates and their status',
    intro:
      'What anyone who relies on our certificates may need: those of our authorities, what was revoked, and the rules that we keep.',
    search: 'Look up a certificate',
    serial: 'Serial number',
    serialHint: 'In hexadecimal digits, as your program shows it: spaces and colons do no harm.',
    ask: 'Look up',
    badSerial: 'That is no serial number: 1 to 40 hexadecimal digits.',
    status: {
      valid: 'Valid: issued, and neither revoked nor suspended.',
      notYet: 'Issued, and not valid yet.',
      expired: 'Expired: it was not revoked.',
      revoked: 'Revoked, for good.',
      suspended: 'Suspended: nobody may rely on it until it is reinstated.',
      unknown: 'Unknown: we have issued no certificate with this serial number.',
    },
    since: 'Since',
    reason: 'Reason',
    reasons: {
      unspecified: 'not stated',
      keyCompromise: 'the key may be in other hands',
      cACompromise: "the authority's key may be in other hands",
      affiliationChanged: "the holder's affiliation has changed",
      superseded: 'replaced by another certificate',
      cessationOfOperation: 'no longer needed',
      privilegeWithdrawn: 'the right to it was withdrawn',
    },
    validity: 'Validity',
    asOf: 'As of',
    authorities: 'Authorities',
    certificate: 'Certificate',
    fingerprint: 'SHA-256 fingerprint',
    list: 'Revocation list',
    noList: 'not published yet',
    number: 'Number',
    issued: 'Issued',
    next: 'Next one by',
    entries: 'Entries',
    shards: 'The same in parts: each certificate names its own',
    documents: 'Policy documents',
    notFoundTitle: 'Not found',
    notFound: 'There is nothing at this address.',
  },
  el: {
    title: 'Πιστοποιητικά και η κατάστασή τους',
    intro:
      'Ό,τι χρειάζεται όποιος βασίζεται στα πιστοποιητικά μας: τα πιστοποιητικά των αρχών μας, όσα έχουν ανακληθεί και οι κανόνες που τηρούμε.',
    search: 'Αναζήτηση πιστοποιητικού',
    serial: 'Αριθμός σειράς',
    serialHint:
      'Σε δεκαεξαδικά ψηφία, όπως τον δείχνει το πρόγραμμά σας· κενά και άνω-κάτω τελείες δεν πειράζουν.',
    ask: 'Αναζήτηση',
    badSerial: 'Αυτός δεν είναι αριθμός σειράς: 1 έως 40 δεκαεξαδικά ψηφία.',
    status: {
      valid: 'Έγκυρο: έχει εκδοθεί και δεν έχει ανακληθεί ούτε ανασταλεί.',
      notYet: 'Έχει εκδοθεί και δεν ισχύει ακόμη.',
      expired: 'Έχει λήξει: δεν είχε ανακληθεί.',
      revoked: 'Έχει ανακληθεί οριστικά.',
      suspended: 'Σε αναστολή: κανείς δεν πρέπει να βασίζεται σε αυτό μέχρι την επαναφορά του.',
      unknown: 'Άγνωστο: δεν έχουμε εκδώσει πιστοποιητικό με αυτόν τον αριθμό σειράς.',
    },
    since: 'Από',
    reason: 'Αιτία',
    reasons: {
      unspecified: 'δεν δηλώθηκε',
      keyCompromise: 'το κλειδί ίσως βρίσκεται σε ξένα χέρια',
      cACompromise: 'το κλειδί της αρχής ίσως βρίσκεται σε ξένα χέρια',
      affiliationChanged: 'άλλαξε η ιδιότητα του κατόχου',
      superseded: 'αντικαταστάθηκε από άλλο πιστοποιητικό',
      cessationOfOperation: 'δεν χρειάζεται πια',
      privilegeWithdrawn: 'αφαιρέθηκε το σχετικό δικαίωμα',
    },
    validity: 'Ισχύς',
    asOf: 'Στις',
    authorities: 'Αρχές',
    certificate: 'Πιστοποιητικό',
    fingerprint: 'Αποτύπωμα SHA-256',
    list: 'Λίστα ανάκλησης',
    noList: 'δεν έχει δημοσιευθεί ακόμη',
    number: 'Αριθμός',
    issued: 'Έκδοση',
    next: 'Η επόμενη έως',
    entries: 'Εγγραφές',
    shards: 'Η ίδια σε μέρη: κάθε πιστοποιητικό ονομάζει το δικό του',
    documents: 'Έγγραφα πολιτικής',
    notFoundTitle: 'Δεν βρέθηκε',
    notFound: 'Δεν υπάρχει τίποτα σε αυτή τη διεύθυνση.',
  },
}
