using Lemma.Checkpoints;
using Lemma.Language;
using Lemma.Models;
using Lemma.Text;

namespace Lemma.Cli.Inspection;

/// <summary>What <c>lemma inspect</c> shows of a model: its contents, and what its tokenizer and template are.</summary>
internal sealed record Inspected(ModelContents Contents, Tokenizer? Tokenizer, string? TokenizerFault, bool HasTemplate)
{
    /// <summary>decoder, encoder, encoder-decoder, or tensors where there is no config.</summary>
    public string Kind => Contents.Config switch
    {
        DecoderConfig => "decoder",
        EncoderConfig => "encoder",
        EncoderDecoderConfig => "encoder-decoder",
        _ => "tensors",
    };

    /// <summary>As in <c>byte level bpe</c>.</summary>
    public string? TokenizerKind => Tokenizer is null ? null
        : string.Concat(Tokenizer.Model.GetType().Name.Replace("Model", "").Select((letter, i) => i > 0 && char.IsUpper(letter)
            ? $" {char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));

    public long Parameters => Contents.Parameters.Sum(parameter => parameter.Count);

    /// <summary>Tensors, elements and bytes by the type of elements.</summary>
    public IEnumerable<(string Type, int Tensors, long Elements, long Bytes)> Types => Contents.Tensors.GroupBy(tensor => tensor.Type)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => (group.Key, group.Count(), group.Sum(tensor => tensor.Count), group.Sum(tensor => tensor.Bytes)));

    public static Inspected Read(string path)
    {
        ModelContents contents = ModelContents.Read(path);
        // A single file that is no checkpoint of llama2.c stands for itself.
        if (contents.Config is null || ModelFiles.TryFind(path) is not { } files)
            return new Inspected(contents, null, null, false);
        (Tokenizer? tokenizer, string? fault) = ReadTokenizer(files);
        return new Inspected(contents, tokenizer, fault, files.HasTemplate);
    }

    // A model can be looked at although its tokenizer is of a kind that is not known: the reason is shown.
    private static (Tokenizer?, string?) ReadTokenizer(ModelFiles files)
    {
        try
        {
            return (files.ReadTokenizer(), null);
        }
        catch (FileNotFoundException)
        {
            return (null, null);
        }
        catch (InvalidDataException error)
        {
            return (null, error.Message);
        }
    }
}
