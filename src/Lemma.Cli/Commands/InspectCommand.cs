using System.CommandLine;
using Lemma.Cli.Display;
using Lemma.Cli.Inspection;
using Lemma.Cli.Parsing;

namespace Lemma.Cli.Commands;

/// <summary><c>lemma inspect</c>: the parts, tensors and tokenizer of a model, without reading its weights.</summary>
internal static class InspectCommand
{
    private const int WidthOfFiles = 160;

    public static Command Build()
    {
        Argument<string> model = new("MODEL")
        {
            Description = "A model's folder, a run's, a GGUF file, or a checkpoint of llama2.c; a config.json; a file of tensors (safetensors, GGUF, PyTorch's)",
        };
        Option<bool> json = Choice.Flag("--json", "Write one object of JSON, with every parameter and tensor");
        Command command = new("inspect", "Show what a model is made of.") { model, json };
        Examples.Add(command,
            ("parts, memory and names of tensors", "lemma inspect runs/book"),
            ("how many parameters a config has", "lemma inspect config.json"),
            ("what a file holds", "lemma inspect model.gguf"),
            ("for another program", "lemma inspect runs/book --json"));
        command.SetAction(parsed => Run(parsed.GetRequiredValue(model), parsed.GetValue(json)));
        return command;
    }

    private static int Run(string argument, bool json)
    {
        Inspected inspected = Inspected.Read(ModelPath.Find(argument));
        if (json)
            Console.Out.WriteLine(InspectionJson.Write(inspected));
        else
            new InspectionText(Console.Out, Terminal.IsInteractive ? Terminal.Width : WidthOfFiles).Write(inspected);
        return CommandLine.Done;
    }
}
