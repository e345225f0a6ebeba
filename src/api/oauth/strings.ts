import { PIN_MAX, PIN_MIN } from '../../signing/secrets.ts'

/** Every sentence of the pages. Another language is another member of the table. */
export interface Strings {
  readonly title: string
  readonly asks: (client: string) => string
  readonly description: string
  /** The same, where it is not signatures that are asked for. */
  readonly purpose: string
  readonly credential: string
  readonly count: string
  readonly documents: (count: number) => string
  readonly unnamed: string
  readonly unlisted: string
  readonly hash: string
  readonly expiry: string
  readonly minutes: (count: number) => string
  readonly pin: string
  readonly pinHint: string
  readonly otp: string
  readonly otpHint: string
  readonly otpHintSent: string
  readonly otpHintLogin: string
  readonly send: string
  readonly told: Readonly<Record<'sent' | 'notSent', string>>
  readonly approve: string
  readonly deny: string
  readonly loginTitle: string
  readonly loginAsks: (client: string) => string
  readonly loginCredential: string
  readonly loginCredentialHint: string
  readonly loginSubmit: string
  readonly creation: {
    readonly title: string
    readonly asks: (client: string) => string
    readonly logIn: string
    readonly policy: string
    readonly subject: string
    readonly newTitle: string
    readonly newPin: string
    readonly newPinHint: string
    readonly again: string
    readonly againHint: string
    readonly warning: string
    readonly submit: string
  }
  readonly deletion: {
    readonly title: string
    readonly asks: (client: string) => string
    readonly warning: string
    readonly submit: string
  }
  readonly linkIntro: string
  readonly linkCode: string
  readonly linkHint: string
  readonly linkTaken: string
  readonly linkOpen: string
  readonly answered: Readonly<
    Record<'approved' | 'denied', { readonly heading: string; readonly next: string }>
  >
  readonly failed: string
  readonly errors: Readonly<Record<Mistake, string>>
}

/** What can be wrong with what the holder sent, or with the page. */
export type Mistake =
  | 'pin'
  | 'otp'
  | 'login'
  | 'missing'
  | 'locked'
  | 'unavailable'
  | 'gone'
  // Of the PIN that a new credential gets.
  | 'newPin'
  | 'mismatch'
  // What it cannot be created with.
  | 'explicit'

export type Language = 'en' | 'el'

export const strings: Readonly<Record<Language, Strings>> = {
  en: {
    title: 'Approve signing',
    asks: (client) => `${client} asks for signatures in your name.`,
    description: `What it says they are for`,
    purpose: 'What it says this is for',
    credential: 'Your credential',
    count: 'Number of signatures',
    documents: (count) => (count === 1 ? 'The document' : `The ${count} documents`),
    unnamed: 'Document without a name',
    unlisted: 'Which documents is not said. Approve only if you know what they are.',
    hash: 'Hash',
    expiry: 'Your approval ends',
    minutes: (count) => (count === 1 ? '1 minute after you give it' : `${count} minutes after you give it`),
    pin: 'Your PIN',
    pinHint: 'The PIN that you set for this credential.',
    otp: 'One-time code',
    otpHint: 'The six digits that your authenticator app shows now.',
    otpHintSent: 'The six digits that were sent to you. Press “Send me a code” for one.',
    otpHintLogin:
      'The six digits of your authenticator app, or those that were sent to you, if this credential asks for them.',
    send: 'Send me a code',
    told: {
      sent: 'If this credential asks for codes that are sent, one is on its way. It works for five minutes.',
      notSent:
        'No code can be sent now: too many were, or the credential is locked. Try again in some minutes.',
    },
    approve: 'Approve',
    deny: 'Deny',
    loginTitle: 'Log in',
    loginAsks: (client) => `${client} asks to see your credentials. This does not let it sign.`,
    loginCredential: 'Number of your credential',
    loginCredentialHint: 'You were shown it when you set your PIN.',
    loginSubmit: 'Log in',
    creation: {
      title: 'Create a credential',
      asks: (client) =>
        `${client} asks for a new credential in your name. You will approve each signature with its PIN, on this service's page.`,
      logIn: 'Show who you are, with a credential that you open on this page:',
      policy: 'Certificate policy that it asks for',
      subject: 'Your name, as it gives it',
      newTitle: 'The new credential',
      newPin: 'New PIN',
      newPinHint: `${PIN_MIN} to ${PIN_MAX} characters. Not one character repeated, not a sequence such as 123456.`,
      again: 'The same new PIN again',
      againHint: 'So that it is what you meant.',
      warning: 'Nobody but you will know this PIN, and nobody can look it up for you.',
      submit: 'Create',
    },
    deletion: {
      title: 'Delete a credential',
      asks: (client) => `${client} asks to delete a credential of yours.`,
      warning:
        'Its key will be destroyed and its certificate revoked. This cannot be taken back. What was signed stays signed.',
      submit: 'Delete it',
    },
    linkIntro: 'An application asks for signatures in your name. Look at what it asks for before you decide.',
    linkCode: 'Code of the message',
    linkHint: 'The part of your link after the # sign.',
    linkTaken: 'The code was taken from your link.',
    linkOpen: 'Show what is asked',
    answered: {
      approved: { heading: 'Approved', next: 'The application can sign now. You can close this page.' },
      denied: { heading: 'Denied', next: 'Nothing will be signed. You can close this page.' },
    },
    failed: 'Not done',
    errors: {
      pin: 'The PIN is wrong. After five wrong PINs the credential is locked.',
      otp: 'The one-time code is wrong or was used. Wait for the next one; type the PIN again. After five mistakes the credential is locked.',
      login:
        'The number or the PIN is wrong. If you set up one-time codes: or the code is, or it was used. After five mistakes a credential is locked.',
      missing: 'Fill in every field.',
      locked: 'The credential is locked or cannot be used any more. Ask for help.',
      unavailable: 'This cannot be done at the moment. Try again in a minute.',
      gone: 'This page is no longer valid. Go back to the application and start again.',
      newPin: `Choose another new PIN: ${PIN_MIN} to ${PIN_MAX} characters, not one character repeated, not a sequence such as 123456. Type every PIN again.`,
      mismatch: 'The two new PINs are not the same. Type every PIN again.',
      explicit:
        'The PIN of this credential passes through the application. Log in with one whose PIN you type on this page alone.',
    },
  },
  el: {
    title: 'Έγκριση υπογραφής',
    asks: (client) => `Η εφαρμογή ${client} ζητά υπογραφές στο όνομά σας.`,
    description: 'Ο σκοπός, όπως τον δηλώνει',
    purpose: 'Ο σκοπός, όπως τον δηλώνει',
    credential: 'Το διαπιστευτήριό σας',
    count: 'Πλήθος υπογραφών',
    documents: (count) => (count === 1 ? 'Το έγγραφο' : `Τα ${count} έγγραφα`),
    unnamed: 'Έγγραφο χωρίς όνομα',
    unlisted: 'Δεν δηλώνεται για ποια έγγραφα. Εγκρίνετε μόνο αν γνωρίζετε ποια είναι.',
    hash: 'Σύνοψη (hash)',
    expiry: 'Η έγκρισή σας λήγει',
    minutes: (count) => (count === 1 ? '1 λεπτό αφού τη δώσετε' : `${count} λεπτά αφού τη δώσετε`),
    pin: 'Το PIN σας',
    pinHint: 'Το PIN που ορίσατε για αυτό το διαπιστευτήριο.',
    otp: 'Κωδικός μίας χρήσης',
    otpHint: 'Τα έξι ψηφία που δείχνει τώρα η εφαρμογή ελέγχου ταυτότητας.',
    otpHintSent: 'Τα έξι ψηφία που σας στάλθηκαν. Πατήστε «Στείλτε μου κωδικό» για να λάβετε.',
    otpHintLogin:
      'Τα έξι ψηφία της εφαρμογής ελέγχου ταυτότητας ή εκείνα που σας στάλθηκαν, αν τα ζητά αυτό το διαπιστευτήριο.',
    send: 'Στείλτε μου κωδικό',
    told: {
      sent: 'Αν αυτό το διαπιστευτήριο ζητά κωδικούς που στέλνονται, ένας είναι καθ’ οδόν. Ισχύει για πέντε λεπτά.',
      notSent:
        'Δεν μπορεί να σταλεί κωδικός τώρα: στάλθηκαν πολλοί ή το διαπιστευτήριο είναι κλειδωμένο. Δοκιμάστε ξανά σε λίγα λεπτά.',
    },
    approve: 'Έγκριση',
    deny: 'Άρνηση',
    loginTitle: 'Σύνδεση',
    loginAsks: (client) =>
      `Η εφαρμογή ${client} ζητά να δει τα διαπιστευτήριά σας. Αυτό δεν της επιτρέπει να υπογράφει.`,
    loginCredential: 'Αριθμός του διαπιστευτηρίου σας',
    loginCredentialHint: 'Σας εμφανίστηκε όταν ορίσατε το PIN σας.',
    loginSubmit: 'Σύνδεση',
    creation: {
      title: 'Δημιουργία διαπιστευτηρίου',
      asks: (client) =>
        `Η εφαρμογή ${client} ζητά ένα νέο διαπιστευτήριο στο όνομά σας. Θα εγκρίνετε κάθε υπογραφή με το PIN του, στη σελίδα αυτής της υπηρεσίας.`,
      logIn: 'Δείξτε ποιοι είστε, με ένα διαπιστευτήριο που ανοίγετε σε αυτή τη σελίδα:',
      policy: 'Πολιτική πιστοποιητικού που ζητά',
      subject: 'Το όνομά σας, όπως το δίνει',
      newTitle: 'Το νέο διαπιστευτήριο',
      newPin: 'Νέο PIN',
      newPinHint: `${PIN_MIN} έως ${PIN_MAX} χαρακτήρες. Όχι ένας χαρακτήρας που επαναλαμβάνεται, όχι ακολουθία όπως 123456.`,
      again: 'Ξανά το ίδιο νέο PIN',
      againHint: 'Για να είναι αυτό που εννοούσατε.',
      warning: 'Κανείς εκτός από εσάς δεν θα γνωρίζει αυτό το PIN και κανείς δεν μπορεί να σας το βρει.',
      submit: 'Δημιουργία',
    },
    deletion: {
      title: 'Διαγραφή διαπιστευτηρίου',
      asks: (client) => `Η εφαρμογή ${client} ζητά να διαγραφεί ένα διαπιστευτήριό σας.`,
      warning:
        'Το κλειδί του θα καταστραφεί και το πιστοποιητικό του θα ανακληθεί. Αυτό δεν αναιρείται. Ό,τι υπογράφηκε παραμένει υπογεγραμμένο.',
      submit: 'Διαγραφή',
    },
    linkIntro: 'Μια εφαρμογή ζητά υπογραφές στο όνομά σας. Δείτε τι ζητά πριν αποφασίσετε.',
    linkCode: 'Κωδικός του μηνύματος',
    linkHint: 'Το τμήμα του συνδέσμου σας μετά το σύμβολο #.',
    linkTaken: 'Ο κωδικός λήφθηκε από τον σύνδεσμό σας.',
    linkOpen: 'Εμφάνιση του αιτήματος',
    answered: {
      approved: {
        heading: 'Εγκρίθηκε',
        next: 'Η εφαρμογή μπορεί τώρα να υπογράψει. Μπορείτε να κλείσετε αυτή τη σελίδα.',
      },
      denied: {
        heading: 'Απορρίφθηκε',
        next: 'Τίποτα δεν θα υπογραφεί. Μπορείτε να κλείσετε αυτή τη σελίδα.',
      },
    },
    failed: 'Δεν ολοκληρώθηκε',
    errors: {
      pin: 'Το PIN είναι λάθος. Μετά από πέντε λάθος PIN το διαπιστευτήριο κλειδώνει.',
      otp: 'Ο κωδικός μίας χρήσης είναι λάθος ή έχει χρησιμοποιηθεί. Περιμένετε τον επόμενο και πληκτρολογήστε ξανά το PIN. Μετά από πέντε λάθη το διαπιστευτήριο κλειδώνει.',
      login:
        'Ο αριθμός ή το PIN είναι λάθος. Αν έχετε ρυθμίσει κωδικούς μίας χρήσης: ή ο κωδικός είναι λάθος ή έχει χρησιμοποιηθεί. Μετά από πέντε λάθη ένα διαπιστευτήριο κλειδώνει.',
      missing: 'Συμπληρώστε όλα τα πεδία.',
      locked: 'Το διαπιστευτήριο είναι κλειδωμένο ή δεν μπορεί πλέον να χρησιμοποιηθεί. Ζητήστε βοήθεια.',
      unavailable: 'Αυτή τη στιγμή δεν είναι δυνατό. Δοκιμάστε ξανά σε ένα λεπτό.',
      gone: 'Αυτή η σελίδα δεν ισχύει πλέον. Επιστρέψτε στην εφαρμογή και ξεκινήστε από την αρχή.',
      newPin: `Επιλέξτε άλλο νέο PIN: ${PIN_MIN} έως ${PIN_MAX} χαρακτήρες, όχι ένας χαρακτήρας που επαναλαμβάνεται, όχι ακολουθία όπως 123456. Πληκτρολογήστε ξανά κάθε PIN.`,
      mismatch: 'Τα δύο νέα PIN δεν είναι ίδια. Πληκτρολογήστε ξανά κάθε PIN.',
      explicit:
        'Το PIN αυτού του διαπιστευτηρίου περνά από την εφαρμογή. Συνδεθείτε με ένα του οποίου το PIN πληκτρολογείτε μόνο σε αυτή τη σελίδα.',
    },
  },
}
