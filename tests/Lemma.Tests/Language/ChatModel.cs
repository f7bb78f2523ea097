using System.Globalization;
using Lemma.Checkpoints;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Models;
using Lemma.Tests.Checkpoints;
using Lemma.Weights;

namespace Lemma.Tests.Language;

/// <summary>A small model with a chat template, of bytes and of a, b and ab.</summary>
internal static class ChatModel
{
    private const int Ids = 262, B = 260, Ab = 261;

    /// <summary>Roles that do not alternate, or a user who says "nothing", are refused as real templates do.</summary>
    public const string Template = """
        {% for m in messages %}{% if m.content == 'nothing' %}{{ raise_exception('there must be something') }}{% endif %}{{ m.role }}: {{ m.content }}
        {% endfor %}{% if add_generation_prompt %}assistant: {% endif %}
        """;

    /// <summary>Writes it into a folder.</summary>
    public static string Write(TemporaryFolder folder, int length, string? template = Template)
    {
        using Decoder decoder = Llama2CFile.Model(tied: true, Ids, length);
        string file = folder.Write("model.bin", Llama2CFile.Bytes(decoder));
        folder.Write("tok512.bin", LanguageModelTests.TokenizerBytes);
        if (template is not null)
            folder.Write("chat_template.jinja", template);
        return file;
    }

    /// <summary>Loads it.</summary>
    public static LanguageModel Load(TemporaryFolder folder, int length, string? template = Template) => LanguageModel.Load(Write(folder, length, template), threads: 1);

    /// <summary>Writes an adapter of it into a folder, which changes what it says.</summary>
    public static string WriteAdapter(TemporaryFolder folder, string path)
    {
        using LanguageModel model = LanguageModel.Load(path, threads: 1);
        AdapterConfig config = new() { Rank = 2, Alpha = 4, Targets = ["all-linear"] };
        using Adapter adapter = AdapterFolder.Create(model.Decoder, config, seed: 3);
        foreach (Parameter parameter in adapter.Parameters.All)
        {
            if (!parameter.Name.EndsWith("lora_B.weight", StringComparison.Ordinal))
                continue;
            Span<float> b = adapter.Parameters.Weights(parameter);
            for (int i = 0; i < b.Length; i++)
                b[i] = 40 * MathF.Cos(i);
        }
        AdapterFolder.Write(folder["tuned"], model.Decoder, adapter, config);
        return folder["tuned"];
    }

    /// <summary>Draws that say b and ab alone, so that the ids of an answer's text are the ids that were drawn.</summary>
    public static GenerationOptions Options(int tokens) => new()
    {
        Steps = [new BannedIds([.. Enumerable.Range(0, Ids).Where(id => id is not B and not Ab)])],
        MaximumTokens = tokens,
        LogProbabilities = 2,
    };

    /// <summary>The bits of the last choice.</summary>
    public static string Bits(Generator generator) => string.Join(' ', generator.Likeliest().ToArray().Append(generator.Chosen())
        .Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Id}:{BitConverter.DoubleToInt64Bits(one.LogProbability):X}")));
}
