/** The mark that info points to where the configuration names no logo: PNG, 96 × 96 (CSC API v2.2, 11.1: at most 256 × 256). */
export const logo = Buffer.from(
  [
    'iVBORw0KGgoAAAANSUhEUgAAAGAAAABgAQMAAADYVuV7AAAABlBMVEX///8mMlTodCiwAAAAAXRSTlMAQObYZgAAATRJREFU',
    'eNrNlLFtxDAMRWmoUKkRuEm0WHB25/JWMuDi1pBxC/g6FYIZ0TxF+UESBKnCSg+SSVn8n0Q/x3j0dRDZ+4bI+5aTGks/1c9F',
    'WZyUJ0gmYrH1oOedTCf4g2KhMdn32Ysktgycokjx2ZItmtpZOrGiZ7rhsKKjpnOFFXLUC7k8Khys4Hc5I2ihsBnMWohXg1UL',
    'xdlg00IxGOwKFzbIlwolSs3jpUSF0eCoMOQGPNFQa54gYSL3aHBdyG0N5oX8vaZNdS23RH5tsFa4NbgnCh12CtcGj0/AHTIx',
    'N8i/htih0EtsUF7/G8BF//Kn8FTfvyg8PLQEm/WxjdBgaD2IAuQCQkKJgfhAliBYkDKIHOQPxgDLgJnAZmhAsCaYFuwMRocR',
    'gMMBxgYMFBg1OIRgPH0ZbxqhjzmmbCodAAAAAElFTkSuQmCC',
  ].join(''),
  'base64',
)
