// Checks PDF files against PDF/UA-1 (ISO 14289-1) with veraPDF: one line of JSON a file.
import java.io.FileInputStream;
import java.util.TreeMap;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

class Validate {
  public static void main(String[] files) throws Exception {
    VeraGreenfieldFoundryProvider.initialise();
    for (String file : files) {
      try (FileInputStream input = new FileInputStream(file);
          PDFAParser parser = Foundries.defaultInstance().createParser(input, PDFAFlavour.PDFUA_1);
          PDFAValidator validator =
              Foundries.defaultInstance().createValidator(PDFAFlavour.PDFUA_1, false)) {
        ValidationResult result = validator.validate(parser);
        TreeMap<String, Integer> failed = new TreeMap<>();
        for (TestAssertion one : result.getTestAssertions()) {
          if (one.getStatus() == TestAssertion.Status.FAILED) {
            String rule = one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber();
            failed.merge(rule + " " + one.getMessage(), 1, Integer::sum);
          }
        }
        StringBuilder rules = new StringBuilder();
        failed.forEach((rule, count) -> rules
            .append(rules.length() > 0 ? ", " : "")
            .append('"').append(rule.replaceAll("[\\\\\"\\p{Cntrl}]", " ")).append("\": ")
            .append(count));
        System.out.println("{\"file\": \"" + file + "\", \"compliant\": " + result.isCompliant()
            + ", \"assertions\": " + result.getTotalAssertions() + ", \"failed\": {" + rules + "}}");
      }
    }
  }
}
