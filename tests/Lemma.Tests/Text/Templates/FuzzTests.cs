using System.Diagnostics;
using System.Globalization;
using System.Text;
using Lemma.Text.Templates;

namespace Lemma.Tests.Text.Templates;

/// <summary>Templates that were changed at random render or fail with a place; they never hang and never throw anything else.</summary>
public sealed class FuzzTests
{
    private static readonly int Changes =
        int.Parse(Environment.GetEnvironmentVariable("LEMMA_FUZZ") ?? "20000", CultureInfo.InvariantCulture);

    private static readonly string[] Parts = ["{{", "}}", "{%", "%}", "{#", "#}", "-", "'", "\"", "\\", "(", ")", "[", "]", "{", "}", "|",
        ".", ",", ":", "=", "~", "*", "**", "if ",
        "else", "endif", "for ", "in ", "endfor", "set ", "macro ", "is ", "not ", "loop", "range(9)", "messages", "99999999999", "1e308",
            "0", "\n", " ", "\u2028", "\ud83d", "é",
        "|tojson", "|list", "|map(", "|sort", "|join", "recursive", "loop(", "caller()", "namespace()", ".x", "[::-1]", "% 3", "// 2"];

    [Fact]
    public void AChangedTemplateRendersOrFailsInOneSentence()
    {
        string[] good = [.. ConstructTests.Templates];
        TemplateLimits limits = new() { Steps = 100_000, Length = 100_000, Depth = 500 };
        ChatOptions options = ConstructTests.Options() with { Limits = limits };
        Random random = new(5);
        int rendered = 0;
        TimeSpan longest = default;
        for (int i = 0; i < Changes; i++)
        {
            string template = Change(good[random.Next(good.Length)], good, random);
            long start = Stopwatch.GetTimestamp();
            try
            {
                ChatTemplate.Parse(template).Render([new ChatMessage("user", "text")], options);
                rendered++;
            }
            catch (TemplateException error)
            {
                Assert.Matches("^template: line [0-9]+, column [0-9]+: ", error.Message);
            }
            catch (Exception error)
            {
                Assert.Fail($"{template}\n{error}");
            }
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            longest = took > longest ? took : longest;
        }
        Assert.InRange(rendered, Changes / 20, Changes);
        Assert.True(longest < TimeSpan.FromSeconds(5), $"{longest}");
    }

    private static string Change(string template, string[] good, Random random)
    {
        StringBuilder text = new(template);
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            int at = random.Next(text.Length + 1), length = Math.Min(text.Length - at, random.Next(1, 6));
            switch (random.Next(4))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, Parts[random.Next(Parts.Length)]);
                    break;
                case 2:
                    text.Insert(at, text.ToString(at, length));
                    break;
                default:
                    string other = good[random.Next(good.Length)];
                    int begin = random.Next(other.Length + 1);
                    text.Insert(at, other[begin..Math.Min(other.Length, begin + random.Next(20))]);
                    break;
            }
        }
        return text.ToString();
    }
}
