using System.CommandLine;
using Lemma.Decoding;
using Lemma.Language;
using Lemma.Models;

namespace Lemma.Cli.Parsing;

/// <summary><c>--guess</c>: what guesses the next ids, so that a pass checks several; the text is the same.</summary>
internal sealed class GuessOption
{
    private const string Lookup = "lookup", Pool = "pool";
    private readonly Option<string?> option = Choice.Text("--guess", "lookup|pool|MODEL",
        "Guess the next tokens and check several in one pass, which is faster and writes the same text: as the text itself went on before "
        + "(lookup), as any text before did (pool), or by a smaller model of the same tokenizer");

    private readonly Option<int?> most = Choice.Whole("--guesses", "The most tokens to guess at once", fallback: 8);

    public void AddTo(Command command)
    {
        command.Add(option);
        command.Add(most);
    }

    /// <summary>The first of the two that is given, or null.</summary>
    public string? Given(ParseResult parsed) => parsed.GetValue(option) is null ? null : option.Name;

    /// <summary>What guesses for a model; null for nothing.</summary>
    public Guesser? Open(ParseResult parsed, LanguageModel model)
    {
        Choice.RequireBeside(parsed, most, option);
        int count = parsed.GetValue(most)!.Value;
        return parsed.GetValue(option) switch
        {
            null => null,
            Lookup => new Guesser(new PromptLookup { Most = count }, null),
            Pool => new Guesser(new IdPool { Most = count }, null),
            string path => Smaller(path, model, count),
        };
    }

    private static Guesser Smaller(string path, LanguageModel model, int count)
    {
        LanguageModel smaller = LanguageModel.Load(ModelPath.Find(path), model.Workers.Count);
        try
        {
            if (smaller.Model is not Decoder decoder)
                throw new ArgumentException($"--guess: a decoder guesses, but '{path}' is none");
            if (smaller.Tokenizer.VocabularySize != model.Tokenizer.VocabularySize)
                throw new ArgumentException($"--guess: a smaller model must have the same tokenizer, but it has {smaller.Tokenizer.VocabularySize} tokens, not "
                    + $"{model.Tokenizer.VocabularySize}");
            return new Guesser(new DraftModel(decoder, model.Workers) { Most = count }, smaller);
        }
        catch
        {
            smaller.Dispose();
            throw;
        }
    }
}

/// <summary>What guesses, and the model that it guesses with, if any.</summary>
internal sealed class Guesser(Speculator speculator, LanguageModel? model) : IDisposable
{
    /// <summary>What guesses.</summary>
    public Speculator Speculator => speculator;

    public void Dispose()
    {
        (speculator as IDisposable)?.Dispose();
        model?.Dispose();
    }
}
