import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateRevokedException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.PKIXRevocationChecker.Option;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Validates certification paths as the JDK does (RFC 5280, 6). Standard input, a path a line, fields set apart by tabs: how
 * revocation is asked for (lists, shards or ocsp), the time in milliseconds since 1970, the trust anchor, the lists (of the
 * first kind alone; separated by commas), the path from the leaf on. Standard output, a line each: good, or why not.
 */
public class Pkix {
  private static final CertificateFactory FACTORY = factory();

  public static void main(String[] arguments) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      System.out.println(verdict(line.split("\t")));
    }
  }

  private static String verdict(String[] fields) throws Exception {
    var path = new ArrayList<X509Certificate>();
    for (String file : fields[4].split(",")) path.add(certificate(file));
    var parameters = new PKIXParameters(Set.of(new TrustAnchor(certificate(fields[2]), null)));
    parameters.setDate(new Date(Long.parseLong(fields[1])));
    var validator = CertPathValidator.getInstance("PKIX");
    var checker = (PKIXRevocationChecker) validator.getRevocationChecker();
    checker.setOptions(options(fields[0]));
    parameters.addCertPathChecker(checker);
    if (!fields[3].isEmpty()) parameters.addCertStore(lists(fields[3].split(",")));
    try {
      validator.validate(FACTORY.generateCertPath(path), parameters);
      return "good";
    } catch (CertPathValidatorException exception) {
      return why(exception);
    }
  }

  /** No way out: where the way that is judged does not answer, the path is not valid. */
  private static EnumSet<Option> options(String how) {
    return how.equals("ocsp")
        ? EnumSet.of(Option.ONLY_END_ENTITY, Option.NO_FALLBACK)
        : EnumSet.of(Option.PREFER_CRLS, Option.NO_FALLBACK);
  }

  private static String why(CertPathValidatorException exception) {
    if (exception.getCause() instanceof CertificateRevokedException revoked) {
      return exception.getReason() + " " + revoked.getRevocationReason();
    }
    return exception.getReason().toString();
  }

  private static CertStore lists(String[] files) throws Exception {
    List<Object> lists = new ArrayList<>();
    for (String file : files) lists.add(FACTORY.generateCRL(octets(file)));
    return CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists));
  }

  private static X509Certificate certificate(String file) throws Exception {
    Certificate certificate = FACTORY.generateCertificate(octets(file));
    return (X509Certificate) certificate;
  }

  private static ByteArrayInputStream octets(String file) throws Exception {
    return new ByteArrayInputStream(Files.readAllBytes(Path.of(file)));
  }

  private static CertificateFactory factory() {
    try {
      return CertificateFactory.getInstance("X.509");
    } catch (Exception exception) {
      throw new IllegalStateException(exception);
    }
  }
}
