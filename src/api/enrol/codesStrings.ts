/** Every sentence of the pages on which a holder sets up one-time codes. Another language is another member of the table. */
interface CodesStrings {
  readonly title: string
  readonly intro: string
  readonly credential: string
  readonly credentialHint: string
  readonly pin: string
  readonly pinHint: string
  readonly present: string
  readonly presentHint: string
  readonly begin: string
  readonly scanTitle: string
  readonly scan: string
  readonly picture: string
  readonly byHand: string
  readonly confirmTitle: string
  readonly code: string
  readonly codeHint: string
  readonly confirm: string
  readonly doneTitle: string
  readonly done: string
  readonly doneNext: string
  readonly failed: string
  readonly errors: Readonly<Record<CodesMistake, string>>
}

/** What can be wrong with what the holder sent, or with the service. */
export type CodesMistake =
  'login' | 'locked' | 'unusable' | 'missing' | 'code' | 'over' | 'unavailable' | 'internal'

export type CodesLanguage = 'en' | 'el'

export const codesStrings: Readonly<Record<CodesLanguage, CodesStrings>> = {
  en: {
    title: 'Set up one-time codes',
    intro:
      'From then on each signature takes your PIN and a code that an app on your phone shows. Who learns your PIN cannot sign without your phone.',
    credential: 'Number of your credential',
    credentialHint: 'You were shown it when you set your PIN.',
    pin: 'Your PIN',
    pinHint: 'The PIN that you set for this credential.',
    present: 'Present one-time code',
    presentHint:
      'Only if you use one-time codes already and change to another phone: what the old one shows now.',
    begin: 'Go on',
    scanTitle: 'Scan this with your app',
    scan: 'Open an authenticator app on your phone and scan the picture. It is shown this once.',
    picture: 'QR code for your authenticator app; the key below says the same',
    byHand: 'Or type this key into the app',
    confirmTitle: 'Confirm the code',
    code: 'Code',
    codeHint: 'The six digits that the app shows now. Nothing changes before you confirm.',
    confirm: 'Confirm',
    doneTitle: 'One-time codes are set up',
    done: 'From now on each signature takes your PIN and a code of the app. If you lose the phone, ask for the codes to be reset.',
    doneNext: 'You can close this page.',
    failed: 'Not done yet',
    errors: {
      login:
        'The number, the PIN or the one-time code is wrong, or the code was used. After five mistakes the credential is locked.',
      locked: 'The credential is locked after too many mistakes. Ask for it to be unlocked.',
      unusable: 'This credential cannot be used at the moment: it is disabled, or its certificate has ended.',
      missing: 'Fill in the number and the PIN.',
      code: 'That is not the code that the app shows now. Wait for the next one and type it.',
      over: 'This took too long, or too many tries. Begin again.',
      unavailable: 'This cannot be done at the moment. Try again in a minute.',
      internal: 'Something went wrong on our side. Try again, or ask for help.',
    },
  },
  el: {
    title: 'Ρύθμιση κωδικών μίας χρήσης',
    intro:
      'Από εκεί και πέρα κάθε υπογραφή απαιτεί το PIN σας και έναν κωδικό που δείχνει μια εφαρμογή στο κινητό σας. Όποιος μάθει το PIN σας δεν μπορεί να υπογράψει χωρίς το κινητό σας.',
    credential: 'Αριθμός του διαπιστευτηρίου σας',
    credentialHint: 'Σας εμφανίστηκε όταν ορίσατε το PIN σας.',
    pin: 'Το PIN σας',
    pinHint: 'Το PIN που ορίσατε για αυτό το διαπιστευτήριο.',
    present: 'Τρέχων κωδικός μίας χρήσης',
    presentHint:
      'Μόνο αν χρησιμοποιείτε ήδη κωδικούς μίας χρήσης και αλλάζετε κινητό: τι δείχνει τώρα το παλιό.',
    begin: 'Συνέχεια',
    scanTitle: 'Σαρώστε με την εφαρμογή σας',
    scan: 'Ανοίξτε μια εφαρμογή ελέγχου ταυτότητας στο κινητό σας και σαρώστε την εικόνα. Εμφανίζεται μόνο αυτή τη φορά.',
    picture: 'Κωδικός QR για την εφαρμογή σας· το κλειδί παρακάτω λέει το ίδιο',
    byHand: 'Ή πληκτρολογήστε αυτό το κλειδί στην εφαρμογή',
    confirmTitle: 'Επιβεβαιώστε τον κωδικό',
    code: 'Κωδικός',
    codeHint: 'Τα έξι ψηφία που δείχνει τώρα η εφαρμογή. Τίποτα δεν αλλάζει πριν επιβεβαιώσετε.',
    confirm: 'Επιβεβαίωση',
    doneTitle: 'Οι κωδικοί μίας χρήσης ρυθμίστηκαν',
    done: 'Από εδώ και πέρα κάθε υπογραφή απαιτεί το PIN σας και έναν κωδικό της εφαρμογής. Αν χάσετε το κινητό, ζητήστε επαναφορά των κωδικών.',
    doneNext: 'Μπορείτε να κλείσετε αυτή τη σελίδα.',
    failed: 'Δεν ολοκληρώθηκε ακόμη',
    errors: {
      login:
        'Ο αριθμός, το PIN ή ο κωδικός μίας χρήσης είναι λάθος, ή ο κωδικός έχει χρησιμοποιηθεί. Μετά από πέντε λάθη το διαπιστευτήριο κλειδώνει.',
      locked: 'Το διαπιστευτήριο κλείδωσε μετά από πολλά λάθη. Ζητήστε να ξεκλειδωθεί.',
      unusable:
        'Αυτό το διαπιστευτήριο δεν μπορεί να χρησιμοποιηθεί τώρα: είναι απενεργοποιημένο ή το πιστοποιητικό του έληξε.',
      missing: 'Συμπληρώστε τον αριθμό και το PIN.',
      code: 'Αυτός δεν είναι ο κωδικός που δείχνει τώρα η εφαρμογή. Περιμένετε τον επόμενο και πληκτρολογήστε τον.',
      over: 'Πέρασε πολλή ώρα ή έγιναν πολλές προσπάθειες. Ξεκινήστε από την αρχή.',
      unavailable: 'Αυτή τη στιγμή δεν είναι δυνατό. Δοκιμάστε ξανά σε ένα λεπτό.',
      internal: 'Κάτι πήγε στραβά από την πλευρά μας. Δοκιμάστε ξανά ή ζητήστε βοήθεια.',
    },
  },
}
