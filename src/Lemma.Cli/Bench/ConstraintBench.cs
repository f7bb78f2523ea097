using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Decoding;
using Lemma.Decoding.Constraints;
using Lemma.Formulas;
using Lemma.Text;

namespace Lemma.Cli.Bench;

/// <summary>Times the masks of constraints: of a state that was never met (cold) and of one that was (warm), on one thread.</summary>
internal static class ConstraintBench
{
    private const string Person = """
        {"type":"object","properties":{"name":{"type":"string","maxLength":40},"age":{"type":"integer","minimum":0,"maximum":150},"mail":{"type":"string",
        "format":"email"},"tags":{"type":"array","items":{"type":"string"},"maxItems":8}},"required":["name","age","mail","tags"],"additionalProperties":false}
        """;

    public static int Run(Tokenizer tokenizer, int texts, int length)
    {
        Stopwatch watch = Stopwatch.StartNew();
        _ = new Constraint(Grammar.Choices(["a"]), tokenizer);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"masks over {tokenizer.VocabularySize} ids, {texts} random texts of at most {length} ids, one thread"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the ids by their bytes, once: {watch.ElapsedMilliseconds} ms"));
        Console.WriteLine("microseconds an id       made      cold: median     99 %      most   warm: median     99 %      most");
        foreach ((string name, Func<Grammar> make) in (ReadOnlySpan<(string, Func<Grammar>)>)
        [
            ("a JSON object", () => Grammar.JsonObject()),
            ("a schema", () => Grammar.JsonSchema(Person)),
            ("a regular expression", () => Grammar.Regex(@"(?:[A-Z][a-z]{2,12} ){3,9}\d{4}-\d{2}-\d{2}")),
            ("words of letters", () => Grammar.Regex(@"\p{L}{1,20}(?: \p{L}{1,20})*")),
            ("a list of 1,000", () => Grammar.Choices(Enumerable.Range(0, 1000)
                .Select(i => string.Create(CultureInfo.InvariantCulture, $"choice {i * 7919 % 10007}")))),
            ("GBNF", () => Grammar.Gbnf("root ::= (item \"\\n\")+\nitem ::= \"- \" [^\\n]{1,80} | \"(\" item \")\"")),
        ])
        {
            watch.Restart();
            Constraint constraint = new(make(), tokenizer);
            Show(name, watch.Elapsed.TotalMilliseconds, Time(constraint, tokenizer, texts, length), Time(constraint, tokenizer, texts, length));
        }
        return CommandLine.Done;
    }

    // The same texts each time: the first time meets most states for the first time.
    private static double[] Time(Constraint constraint, Tokenizer tokenizer, int texts, int length)
    {
        Candidates candidates = new(tokenizer.VocabularySize);
        float[] logits = new float[tokenizer.VocabularySize];
        Philox random = new(seed: 0);
        List<double> times = [];
        for (int text = 0; text < texts; text++)
        {
            ConstrainedText one = constraint.Begin([]);
            for (int i = 0; i < length && !one.MustEnd; i++)
            {
                candidates.Reset(logits);
                long before = Stopwatch.GetTimestamp();
                one.Keep(candidates, logits, []);
                double seconds = Stopwatch.GetElapsedTime(before).TotalMicroseconds;
                int id = candidates.Ids[random.Below(candidates.Count, (ulong)((long)text * length + i))];
                before = Stopwatch.GetTimestamp();
                one.Add(id);
                times.Add(seconds + Stopwatch.GetElapsedTime(before).TotalMicroseconds);
            }
        }
        times.Sort();
        return [.. times];
    }

    private static void Show(string name, double made, double[] cold, double[] warm)
    {
        StringBuilder line = new();
        line.Append(CultureInfo.InvariantCulture, $"{name,-21} {made,5:0} ms");
        foreach (double[] times in (ReadOnlySpan<double[]>)[cold, warm])
            line.Append(CultureInfo.InvariantCulture, $"  {times[times.Length / 2],14:0.0} {times[times.Length * 99 / 100],8:0.0} {times[^1],9:0.0}");
        Console.WriteLine(line);
    }
}
