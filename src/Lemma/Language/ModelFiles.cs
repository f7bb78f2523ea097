using Lemma.Checkpoints;
using Lemma.Formats;
using Lemma.Text;
using Lemma.Text.Templates;

namespace Lemma.Language;

/// <summary>Where the files of a language model lie: its weights, and the folder of its tokenizer and chat template.</summary>
public sealed class ModelFiles
{
    private const string ConfigName = "config.json", TokenizerName = "tokenizer.json", Llama2CTokenizers = "tok*.bin";
    private readonly bool isLlama2C;

    private ModelFiles(string weights, string folder, bool isLlama2C) => (Weights, Folder, this.isLlama2C) = (weights, folder, isLlama2C);

    /// <summary>The model's folder, a GGUF file, or the file of llama2.c.</summary>
    public string Weights { get; }

    /// <summary>The folder of the tokenizer and the template.</summary>
    public string Folder { get; }

    /// <summary>Whether weights, tokenizer and template are one GGUF file.</summary>
    public bool IsGguf { get; private init; }

    /// <summary>Whether there is a chat template.</summary>
    /// <exception cref="InvalidDataException">A file is malformed.</exception>
    public bool HasTemplate => ChatTemplate.Exists(Texts);

    // Where the tokenizer and the template are read from.
    private string Texts => IsGguf ? Weights : Folder;

    /// <summary>The files that a path means: a Hugging Face folder, a GGUF file, a checkpoint of llama2.c, or a folder with one of these.</summary>
    /// <exception cref="FileNotFoundException">It is neither.</exception>
    public static ModelFiles Find(string path) => TryFind(path) ?? throw new FileNotFoundException(
        $"model: '{path}' must be a folder with a {ConfigName}, a GGUF file, or a checkpoint of llama2.c (a .bin file, or a folder with one), but it is "
        + (File.Exists(path) ? "another file" : Directory.Exists(path) ? "a folder with neither" : "not there"));

    /// <summary>The files that a path means, or null where it is none of these.</summary>
    public static ModelFiles? TryFind(string path)
    {
        if (Llama2C.Find(path) is { } checkpoint)
            return new ModelFiles(checkpoint, Path.GetDirectoryName(Path.GetFullPath(checkpoint))!, isLlama2C: true);
        if (GgufModel.Find(path) is { } gguf)
            return new ModelFiles(gguf, Path.GetDirectoryName(Path.GetFullPath(gguf))!, isLlama2C: false) { IsGguf = true };
        string folder = AtomicFolder.Resolve(path);
        return File.Exists(Path.Combine(folder, ConfigName)) ? new ModelFiles(folder, folder, isLlama2C: false) : null;
    }

    /// <summary>Reads the tokenizer of the folder or the GGUF file; of llama2.c, a tokenizer.json or the one tok*.bin beside the checkpoint.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="InvalidDataException">It is broken, or several lie beside a checkpoint of llama2.c.</exception>
    public Tokenizer ReadTokenizer() => Tokenizer.Load(isLlama2C ? FindLlama2CTokenizer() : Texts);

    /// <summary>Reads the chat template of the folder or the GGUF file, or null where there is none.</summary>
    public ChatTemplate? ReadTemplate() => HasTemplate ? ChatTemplate.Load(Texts) : null;

    // Its file has no fixed name: tokenizer.bin lies beside stories15M.bin, tok512.bin beside stories260K.bin.
    private string FindLlama2CTokenizer()
    {
        string file = Path.Combine(Folder, TokenizerName);
        if (File.Exists(file))
            return file;
        string[] found = [.. Directory.EnumerateFiles(Folder, Llama2CTokenizers)
            .Where(candidate => Path.GetFileName(candidate) != Path.GetFileName(Weights)).Order(StringComparer.Ordinal)];
        string rule = $"tokenizer: beside '{Weights}' there must be a {TokenizerName}, or one file {Llama2CTokenizers}, but there ";
        return found.Length switch
        {
            1 => found[0],
            0 => throw new FileNotFoundException($"{rule}is neither"),
            _ => throw new InvalidDataException($"{rule}are {string.Join(", ", found.Select(Path.GetFileName))}"),
        };
    }
}
