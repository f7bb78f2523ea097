using System.Globalization;
using System.Text.Json;
using Lemma.Text;
using Lemma.Text.Templates;
using Lemma.Text.Training;

namespace Lemma.Tests.Text;

/// <summary>Messages and texts look the same where numbers are written in another way.</summary>
public sealed class CultureTests : IDisposable
{
    private readonly CultureInfo before = CultureInfo.CurrentCulture;

    public CultureTests()
    {
        CultureInfo other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        (other.NumberFormat.NegativeSign, other.NumberFormat.NumberDecimalSeparator) = ("−", ",");
        CultureInfo.CurrentCulture = other;
        // What the culture would do to it.
        Assert.Equal("−0,5", (-0.5).ToString());
    }

    public void Dispose() => CultureInfo.CurrentCulture = before;

    [Fact]
    public void MessagesAreInvariant()
    {
        Tokenizer tokenizer = BpeTrainer.Train(["ab ab"], new BpeTrainerOptions { VocabularySize = 258 });
        Says("but is -0.5", () => tokenizer.EncodeWithDropout("ab", 1, -0.5));
        Says("-1.5", () => UnigramTrainer.Train(["ab"], new UnigramTrainerOptions { KeptShare = -1.5 }));
        Says("-3", () => BpeTrainer.Train(["ab"], new BpeTrainerOptions { VocabularySize = -3 }));
        Says("-7", () => BpeTrainer.Train(["ab"], new BpeTrainerOptions { Threads = -7 }));
        Says("-1", () => ChatTemplate.Parse("{{ 'abc'|truncate(-1) }}").Render([]));
    }

    [Fact]
    public void TextsAreInvariant()
    {
        ChatOptions options = new() { Now = new DateTime(2024, 7, 6, 15, 4, 5) };
        JsonElement messages = JsonDocument.Parse("[-1, -2.5, -123456789012345678901234567890]").RootElement;
        Assert.Equal("[-1, -2.5, -123456789012345678901234567890]", ChatTemplate.Parse("{{ messages }}").Render(messages, options));
        Assert.Equal("-3 -1.5 -2e+30 [-0.5] -7| 6|range(-3, -1)", ChatTemplate.Parse("{{ -3 }} {{ -1.5 }} {{ -2e30 }} {{ [-0.5]|tojson }} "
            + "{{ '%d' % -7 }}|{{ strftime_now('%e') }}|{{ range(-3, -1) }}").Render([], options));
    }

    private static void Says(string part, Action run) =>
        Assert.Contains(part, Assert.ThrowsAny<Exception>(run).Message, StringComparison.Ordinal);
}
